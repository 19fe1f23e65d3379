"""The product beside Feast and beside FastAPI with asyncpg, over the same values. Installed only when asked for."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from urllib.parse import unquote, urlsplit

from django.conf import settings

from benchmarks import load, parquet, servers
from benchmarks.environment import ALONE, ROOT, Peer, calling, python_of
from benchmarks.measure import Figure, Scale, alternate, at_least, at_most, median_of, medians, percentile, timed
from benchmarks.subjects import feature_training as training
from benchmarks.subjects.feature_backfill import by_workers
from benchmarks.subjects.feature_serving import PATH, Requests, entities
from benchmarks.workload.features import Activity
from features.catalogue import set_id
from features.serving import point_in_time, stored
from launcher.report import log_file

STORES = ("redis", "sqlite", "postgres")
REPO = ROOT / "benchmarks" / "peers" / "feast_repo"
FEAST_PATH, FASTAPI_PATH = "/get-online-features", "/features"
FASTAPI = "FastAPI + asyncpg"


def measure(scale: Scale) -> list[Figure]:
    python = python_of("feature_peers")
    ids = entities(count := scale.of(20_000, 2_000))
    parquet.write_spine(parquet.spine(rows := scale.of(20_000, 2_000)))
    parquet.write_latest()
    parquet.write_history(parquet.write_events())
    with ExitStack() as stack:
        feasts = {name: stack.enter_context(feast(python, name)) for name in STORES}
        polars = stack.enter_context(peer(python, "polars_calls"))
        return [
            *materializing(scale, feasts, count),
            *in_process(scale, feasts, ids),
            *over_http(scale, python, feasts, ids),
            *trained(scale, feasts["redis"], polars, rows),
        ]


def p50(times: list[float]) -> float:
    return percentile(times, 50)


def reads(one: Peer, count: int, times: int) -> float:
    """Milliseconds at p50 of reading so many entities through the SDK."""
    return p50(one("online", times=times, entities=count))


def feast_environment() -> dict[str, str]:
    """What the YAML files of its repository ask for."""
    database, cache = urlsplit(os.environ["DATABASE_URL"]), urlsplit(settings.REDIS_URL)
    password = f",password={unquote(cache.password)}" if cache.password else ""
    return {
        **ALONE,
        "BENCH_FOLDER": str(parquet.folder()),
        "BENCH_REDIS": f"{cache.hostname}:{cache.port},db={cache.path[1:]}{password}",
        "BENCH_PG_HOST": database.hostname or "",
        "BENCH_PG_PORT": str(database.port or 5432),
        "BENCH_PG_DATABASE": database.path[1:],
        "BENCH_PG_USER": unquote(database.username or ""),
        "BENCH_PG_PASSWORD": unquote(database.password or ""),
        "FEAST_USAGE": "False",
    }


@contextmanager
def peer(python: str, module: str, *arguments: str) -> Iterator[Peer]:
    log = log_file(parquet.folder().parent, "benchmarks")
    with calling(python, module, *arguments, log=log, **feast_environment()) as found:
        yield found


def feast(python: str, store: str) -> AbstractContextManager[Peer]:
    """Feast with its online store in one of three places."""
    for name in (f"{store}.db", "online.sqlite"):
        (parquet.folder() / name).unlink(missing_ok=True)
    return peer(python, "feast_calls", store)


def materializing(scale: Scale, feasts: dict[str, Peer], count: int) -> list[Figure]:
    """Into an empty store. Feast moves values computed before; the product computes them from the events."""
    sides: dict[str, Callable[[], float]] = {
        name: lambda one=one: count * 1000 / one("materialize")[0] for name, one in feasts.items()
    }
    sides["ours"] = lambda: by_workers(1, count).per_s
    found = medians(alternate(sides, rounds=scale.of(3, 1)))
    goals = {max(STORES, key=lambda name: found[name]): (at_least(5, of_floor=True),)}
    return [
        Figure("backfill, 1 worker", found["ours"], "entities/s", found[name], f"Feast materialize, {name}",
               goals.get(name, ()))
        for name in STORES
    ]  # fmt: skip


def in_process(scale: Scale, feasts: dict[str, Peer], ids: list[str]) -> list[Figure]:
    """The SDK over each store, beside `stored`."""
    chosen, times = random.Random(1999), scale.of(200, 50)
    figures = []
    for count in (1, 100):
        ours = lambda n=count: p50(timed(lambda: stored(Activity, chosen.sample(ids, n)), times=times))  # noqa: E731
        sides: dict[str, Callable[[], float]] = {"ours": ours}
        sides |= {name: lambda one=one, n=count: reads(one, n, times) for name, one in feasts.items()}
        found = medians(alternate(sides, rounds=scale.of(5, 2)))
        title = f"{count} {'entity' if count == 1 else 'entities'}, in process, p50"
        figures += [Figure(title, found["ours"], "ms", found[name], f"Feast SDK, {name}") for name in STORES]
    return figures


def over_http(scale: Scale, python: str, feasts: dict[str, Peer], ids: list[str]) -> list[Figure]:
    """Two processes each. Feast and FastAPI ask nobody who they are; the product does."""
    chosen, ask = random.Random(1999), Requests(ids)
    times, eight = scale.of(200, 50), scale.of(400, 100)
    best = min(STORES, key=lambda name: reads(feasts[name], 1, times))

    def of_feast(count: int) -> bytes:
        wanted = {"features": [f"latest:{name}" for name in Activity.features]}
        return load.post(
            FEAST_PATH, json.dumps(wanted | {"entities": {"entity_id": chosen.sample(ids, count)}}).encode()
        )

    def of_fastapi(count: int) -> bytes:
        if count == 1:
            return load.get(f"{FASTAPI_PATH}/{chosen.choice(ids)}")
        return load.post(FASTAPI_PATH, json.dumps({"entity_ids": chosen.sample(ids, count)}).encode())

    serve = ("-m", "feast.cli.cli", "-c", str(REPO), "-f", str(REPO / f"{best}.yaml"), "serve", "--no-access-log")
    app = ("-m", "uvicorn", "benchmarks.peers.fastapi_app:app", "--workers", "2", "--no-access-log")
    number = {"BENCH_FEATURE_SET": str(set_id(Activity)), **ALONE}
    with (
        servers.web() as web,
        servers.web_of(python, *app, "--port", **number) as fastapi,
        servers.web_of(python, *serve, "--workers", "2", "--port", **feast_environment()) as feast,
    ):
        makers: dict[str, tuple[servers.Web, Callable[[int], bytes]]] = {
            "ours": (web, lambda count: ask(PATH, count)),
            "fastapi": (fastapi, of_fastapi),
            "feast": (feast, of_feast),
        }

        def side(name: str, count: int, connections: int, requests: int) -> load.Load:
            server, make = makers[name]
            return load.run([make(count) for _ in range(requests)], port=server.port, connections=connections)

        def sides(count: int, connections: int, requests: int) -> dict[str, Callable[[], load.Load]]:
            return {n: lambda n=n: side(n, count, connections, requests) for n in makers} | sdk(count)

        def sdk(count: int) -> dict[str, Callable[[], load.Load]]:
            return {"SDK": lambda: load.Load(feasts[best]("online", times=times, entities=count), 1)}

        rounds = scale.of(5, 2)
        for name in makers:
            side(name, 1, 8, 50)
        one, hundred = (alternate(sides(count, 1, times), rounds=rounds) for count in (1, 100))
        many = alternate(sides(1, 8, eight), rounds=rounds)
    return [*compared("1 entity, HTTP p50", one, best, 1), *compared("100 entities, HTTP p50", hundred, best, 100),
            *(Figure("1 entity, HTTP, 8 connections", median_of(many["ours"], "per_s"), "requests/s",
                     median_of(many[name], "per_s"), title)
              for name, title in (("fastapi", FASTAPI), ("feast", f"feast serve, {best}")))]  # fmt: skip


def compared(title: str, found: dict[str, list[load.Load]], best: str, count: int) -> list[Figure]:
    names = {"fastapi": FASTAPI, "feast": f"feast serve, {best}", "SDK": f"Feast SDK in process, {best}"}
    goals = {"fastapi": 1, "feast": 0.25} if count == 1 else {"SDK": 0.2}
    return [
        Figure(title, median_of(found["ours"], "p50"), "ms", median_of(found[name], "p50"), names[name],
               (at_most(goals[name], of_floor=True),) if name in goals else ())
        for name in names
    ]  # fmt: skip


def trained(scale: Scale, feast: Peer, polars: Peer, rows: int) -> list[Figure]:
    """Feast joins the last value computed beforehand; the others compute what was true at the row's own time."""
    spine = parquet.spine(rows)
    parquet.write_spine(spine)
    per_s = {"feast": lambda: rows * 1000 / feast("history")[0], "polars": lambda: rows * 1000 / polars("training")[0]}
    sides = {"ours": lambda: point_in_time(Activity, spine), "DuckDB": training.in_duckdb}
    if from_parquet := training.offline():
        sides["offline"] = from_parquet
    timings = {name: lambda side=side: rows * 1000 / timed(side, times=1)[0] for name, side in sides.items()} | per_s
    for once in timings.values():
        once()
    found = medians(alternate(timings, rounds=scale.of(5, 2)))
    ours, goal = "offline" if from_parquet else "ours", (at_least(4, of_floor=True),)
    where = "Parquet" if from_parquet else "PostgreSQL"
    title, goals = f"training of {rows:,} rows from {where}", {"feast": goal if from_parquet else ()}
    names = {"feast": "Feast with DuckDB", "polars": "polars, exact", "DuckDB": "DuckDB, exact"}
    return [Figure(title, found[ours], "rows/s", found[n], name, goals.get(n, ())) for n, name in names.items()]
