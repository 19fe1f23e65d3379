"""The product beside Feast and beside FastAPI with asyncpg, over the same values. Installed only when asked for."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from itertools import chain
from typing import Any
from urllib.parse import unquote, urlsplit

from django.conf import settings

from benchmarks import load, parquet, servers
from benchmarks.environment import ALONE, ROOT, Peer, calling, python_of
from benchmarks.measure import Figure, Goal, Scale, alternate, at_least, at_most, median_of, medians, percentile, timed
from benchmarks.readers import PATH, Requests
from benchmarks.subjects import feature_training as training
from benchmarks.subjects.feature_backfill import by_workers
from benchmarks.subjects.feature_serving import entities
from benchmarks.workload.features import Activity
from features.catalogue import set_id
from features.offline.compaction import compact
from features.offline.export import export_events
from features.serving.stored import stored
from launcher.report import log_file

STORES = ("redis", "sqlite", "postgres")
REPO = ROOT / "benchmarks" / "peers" / "feast_repo"


def measure(scale: Scale) -> list[Figure]:
    python = python_of("feature_peers")
    ids = entities(count := scale.of(20_000, 2_000))
    parquet.write_spine(spine := parquet.spine(scale.of(20_000, 2_000)))
    parquet.write_latest()
    parquet.write_history(parquet.write_events())
    with ExitStack() as stack:
        feasts = {name: stack.enter_context(feast(python, name)) for name in STORES}
        polars = stack.enter_context(peer(python, "polars_calls"))
        figures = [*materializing(scale, feasts, count), *(read := in_process(scale, feasts, ids))]
        figures += over_http(scale, python, feasts, fastest(read), ids)
        return [*figures, *trained(scale, feasts["redis"], polars, spine)]


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


ONE, HUNDRED = "1 entity", "100 entities"


def in_process(scale: Scale, feasts: dict[str, Peer], ids: list[str]) -> list[Figure]:
    """The SDK over each store, beside `stored`."""
    chosen, times = random.Random(1999), scale.of(200, 50)
    figures = []
    for title, count in ((ONE, 1), (HUNDRED, 100)):
        ours = lambda n=count: p50(timed(lambda: stored(Activity, chosen.sample(ids, n)), times=times))  # noqa: E731
        sides: dict[str, Callable[[], float]] = {"ours": ours}
        sides |= {name: lambda one=one, n=count: reads(one, n, times) for name, one in feasts.items()}
        found = medians(alternate(sides, rounds=scale.of(5, 2)))
        figures += [Figure(f"{title}, in process, p50", found["ours"], "ms", found[n], sdk_over(n)) for n in STORES]
    return figures


def sdk_over(store: str) -> str:
    return f"Feast SDK, {store}"


def fastest(figures: list[Figure]) -> dict[str, str]:
    """The store with which Feast reads fastest, for one entity and for a hundred."""
    best = {}
    for title in (ONE, HUNDRED):
        floors = {f.floor_name: f.floor or 0 for f in figures if f.name.startswith(f"{title},")}
        best[title] = min(STORES, key=lambda store: floors[sdk_over(store)])
    return best


def over_http(scale: Scale, python: str, feasts: dict[str, Peer], best: dict[str, str], ids: list[str]) -> list[Figure]:
    """Two processes each. Feast and FastAPI ask nobody who they are, but for FastAPI's route with a key."""
    chosen, ask = random.Random(1999), Requests(Activity, ids)
    times, rounds, requests = scale.of(200, 50), scale.of(5, 2), scale.of(400, 100)
    repository = ("-c", str(REPO), "-f", str(REPO / f"{best[ONE]}.yaml"))
    serve = ("-m", "feast.cli.cli", *repository, "serve", "--no-access-log", "--workers", "2", "--port")
    app = ("-m", "uvicorn", "benchmarks.peers.fastapi_app:app", "--no-access-log", "--workers", "2", "--port")
    number = {"BENCH_FEATURE_SET": str(set_id(Activity)), **ALONE}
    names = {
        "FastAPI": "FastAPI + asyncpg",
        "keyed": "FastAPI + asyncpg, key looked up",
        "feast": f"feast serve, {best[ONE]}",
    }
    sdk = sdk_over(best[HUNDRED])

    def of_feast(count: int) -> bytes:
        wanted = [f"latest:{name}" for name in Activity.features]
        asked = {"features": wanted, "entities": {"entity_id": chosen.sample(ids, count)}}
        return load.post("/get-online-features", json.dumps(asked).encode())

    def of_fastapi(count: int) -> bytes:
        if count == 1:
            return load.get(f"/features/{chosen.choice(ids)}")
        return load.post("/features", json.dumps({"entity_ids": chosen.sample(ids, count)}).encode())

    def of_fastapi_with_key(count: int) -> bytes:
        return load.get(f"/keyed/features/{chosen.choice(ids)}", token=chosen.choice(ask.keys))

    with (
        servers.web() as web,
        servers.web_of(python, *app, **number) as fastapi,
        servers.web_of(python, *serve, **feast_environment()) as feast,
    ):

        def side(server: servers.Web, make: Callable[[int], bytes], count: int, connections: int, requests: int) -> Any:
            asked = [make(count) for _ in range(requests)]
            return load.run(asked, port=server.port, connections=connections)

        def sides(*how: int) -> dict[str, Callable[[], Any]]:
            return {
                "ours": lambda: side(web, lambda count: ask(PATH, count), *how),
                "FastAPI": lambda: side(fastapi, of_fastapi, *how),
                "feast": lambda: side(feast, of_feast, *how),
            }

        def with_keyed(*how: int) -> dict[str, Callable[[], Any]]:
            return sides(*how) | {"keyed": lambda: side(fastapi, of_fastapi_with_key, *how)}

        for warm in with_keyed(1, 8, 50).values():
            warm()
        one = alternate(with_keyed(1, 1, times), rounds=rounds)
        in_sdk = {"sdk": lambda: load.Load(feasts[best[HUNDRED]]("online", times=times, entities=100), 1)}
        hundred = alternate(sides(100, 1, times) | in_sdk, rounds=rounds)
        many = alternate(with_keyed(1, 8, requests), rounds=rounds)

    def compared(title: str, found: dict[str, list[load.Load]], other: str, *goals: Goal) -> Figure:
        what, unit = ("per_s", "requests/s") if found is many else ("p50", "ms")
        floor_name = {**names, "sdk": f"{sdk} in process"}[other]
        return Figure(title, median_of(found["ours"], what), unit, median_of(found[other], what), floor_name, goals)

    return [
        compared(f"{ONE}, HTTP p50", one, "FastAPI", at_most(1, of_floor=True)),
        compared(f"{ONE}, HTTP p50", one, "keyed", at_most(1, of_floor=True)),
        compared(f"{ONE}, HTTP p50", one, "feast", at_most(0.25, of_floor=True)),
        compared(f"{HUNDRED}, HTTP p50", hundred, "FastAPI"),
        compared(f"{HUNDRED}, HTTP p50", hundred, "feast"),
        compared(f"{HUNDRED}, HTTP p50", hundred, "sdk", at_most(0.2, of_floor=True)),
        compared(f"{ONE}, HTTP, 8 connections", many, "FastAPI"),
        compared(f"{ONE}, HTTP, 8 connections", many, "keyed"),
        compared(f"{ONE}, HTTP, 8 connections", many, "feast"),
    ]


def trained(scale: Scale, feast: Peer, polars: Peer, spine: parquet.Spine) -> list[Figure]:
    """Feast joins the last value computed beforehand; the others compute what was true at the row's own time."""
    rows = len(spine)
    settings.EXPORT_URL = str(parquet.folder() / "offline")
    for _ in chain(export_events(), compact()):
        pass
    ours = training.by_columns(settings.EXPORT_URL)
    sides: dict[str, Callable[[], float]] = {
        "ours": lambda: timed(ours, times=1)[0],
        "DuckDB": lambda: timed(training.in_duckdb, times=1)[0],
        "feast": lambda: feast("history")[0],
        "polars": lambda: polars("training")[0],
    }
    for warm in sides.values():
        warm()
    found = {name: rows * 1000 / ms for name, ms in medians(alternate(sides, rounds=scale.of(5, 2))).items()}
    names = {"feast": "Feast with DuckDB", "polars": "polars, exact", "DuckDB": "DuckDB, exact"}
    goals = {"feast": (at_least(4, of_floor=True),)}
    title = f"training of {rows:,} rows from Parquet"
    return [Figure(title, found["ours"], "rows/s", found[n], name, goals.get(n, ())) for n, name in names.items()]
