"""Serving ten features: in process beside the same SELECT prepared; computed anew; over HTTP beside an empty view."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
import redis
from django.conf import settings
from django.db import connection
from django.utils import timezone

from base.roles import Role
from benchmarks import data, load, servers
from benchmarks.measure import Figure, Scale, alternate, at_most, median_of, p50s
from benchmarks.subjects.inference import PREPARE, READERS
from benchmarks.workload.events import holder
from benchmarks.workload.features import Activity
from features.catalogue import set_id
from features.serving.stored import point_in_time, stored

PATH = "/api/v1/features/inference"
BATCH = 500


def measure(scale: Scale) -> list[Figure]:
    ids = entities(scale.of(20_000, 2_000))
    return [*in_process(scale, ids), *over_http(scale, ids)]


def entities(count: int) -> list[str]:
    """Accounts with stored features."""
    data.movements(count)
    data.extract_all(BATCH, entity_type=holder.name)
    data.vacuum("model_features", "model_features_history")
    with connection.cursor() as cursor:
        cursor.execute("SELECT entity_id FROM model_features WHERE feature_set_id = %s", [set_id(Activity)])
        return [row[0] for row in cursor.fetchall()]


def in_process(scale: Scale, ids: list[str]) -> list[Figure]:
    chosen = random.Random(1999)
    with prepared() as execute, cached(ids) as mget:
        calls: dict[str, Callable[[], Any]] = {
            "anew 1": lambda: point_in_time(Activity, [(chosen.choice(ids), timezone.now())])
        }
        for count in (1, 100):
            calls[f"stored {count}"] = lambda n=count: stored(Activity, chosen.sample(ids, n))
            calls[f"prepared {count}"] = lambda n=count: execute(chosen.sample(ids, n))
            calls[f"mget {count}"] = lambda n=count: mget(chosen.sample(ids, n))
        found = p50s(calls, times=scale.of(300, 100), rounds=scale.of(7, 3))
    select = "prepared SELECT"
    return [
        Figure("stored, 1 entity, p50", found["stored 1"], "ms", found["prepared 1"], select,
               (at_most(3, of_floor=True),), f"Redis GET {found['mget 1']:.3f} ms"),
        Figure("stored, 100 entities, p50", found["stored 100"], "ms", found["prepared 100"], select,
               (), f"Redis MGET {found['mget 100']:.3f} ms"),
        Figure("computed anew, 1 entity, p50", found["anew 1"], "ms", found["prepared 1"], select, (at_most(1),)),
    ]  # fmt: skip


@contextmanager
def prepared() -> Iterator[Callable[[list[str]], list[Any]]]:
    """The same SELECT, planned once, on a bare connection."""
    plain = psycopg2.connect(**connection.get_connection_params())
    plain.autocommit = True
    number = set_id(Activity)
    with plain.cursor() as cursor:
        cursor.execute(PREPARE)

    def execute(ids: list[str]) -> list[Any]:
        with plain.cursor() as cursor:
            cursor.execute("EXECUTE stored(%s, %s)", [number, ids])
            return cursor.fetchall()

    yield execute
    plain.close()


@contextmanager
def cached(ids: list[str]) -> Iterator[Callable[[list[str]], list[Any]]]:
    """The values in Redis under the entity's id, as a cache would hold them."""
    client = redis.Redis.from_url(settings.REDIS_URL)
    for start in range(0, len(ids), 1_000):
        part = stored(Activity, ids[start : start + 1_000])
        client.mset({f"bench:{entity_id}": row.vals for entity_id, row in part.items()})
    yield lambda wanted: client.mget([f"bench:{entity_id}" for entity_id in wanted])
    client.flushdb()


class Requests:
    """Requests of many readers, each of whom asks less often than its throttle would allow."""

    def __init__(self, ids: list[str]) -> None:
        self.ids, self.chosen = ids, random.Random(1999)
        self.readers = itertools.cycle(data.logged_in(data.people(READERS, Role.ANALYST)))

    def __call__(self, path: str, entities: int, **more: Any) -> bytes:
        body = {"feature_set": Activity.name, "entity_ids": self.chosen.sample(self.ids, entities), **more}
        one = next(self.readers)
        return load.post(path, json.dumps(body).encode(), token=one.token, address=one.address)


def over_http(scale: Scale, ids: list[str]) -> list[Figure]:
    ask, alone, together = Requests(ids), scale.of(200, 100), scale.of(400, 200)
    kinds: dict[str, Callable[[], bytes]] = {
        "one": lambda: ask(PATH, 1),
        "hundred": lambda: ask(PATH, 100),
        "anew": lambda: ask(PATH, 1, max_age_s=0),
        "guarded": lambda: ask("/api/floor/guarded", 1),
        "empty": lambda: ask("/api/floor/empty", 1),
    }
    with servers.web() as web:

        def side(make: Callable[[], bytes], connections: int, count: int) -> load.Load:
            return load.run([make() for _ in range(count)], port=web.port, connections=connections)

        for make in kinds.values():
            side(make, 8, 40)
        rounds = scale.of(5, 2)
        one = alternate({n: lambda m=m: side(m, 1, alone) for n, m in kinds.items()}, rounds=rounds)
        eight = alternate({n: lambda m=m: side(m, 8, together) for n, m in kinds.items()}, rounds=rounds)
    p50 = {name: median_of(found, "p50") for name, found in one.items()}
    rps = {name: median_of(found, "per_s") for name, found in eight.items()}
    titles = {"one": "1 entity", "hundred": "100 entities", "anew": "1 entity computed anew",
              "guarded": "an empty view behind bearer, role and throttle"}  # fmt: skip
    empty = "empty DRF view"
    return [
        *(Figure(f"HTTP p50, {title}", p50[n], "ms", p50["empty"], empty) for n, title in titles.items()),
        *(Figure(f"HTTP, 8 connections, {title}", rps[n], "requests/s", rps["empty"], empty)
          for n, title in titles.items()),
    ]  # fmt: skip
