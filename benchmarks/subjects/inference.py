"""Serving stored features: in process beside the same SELECT prepared, over HTTP beside an empty view."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from statistics import median
from typing import Any

import psycopg2
import redis
from django.conf import settings
from django.db import connection

from base.roles import Role
from benchmarks import data, load, servers
from benchmarks.measure import Cpu, Figure, Scale, alternate, at_least, at_most, median_of, p50s
from features.catalogue import set_id
from features.models import RawEvent
from features.serving.online import online
from features.serving.stored import stored
from loans.features import CoreBehavioral

PATH = "/api/v1/features/inference"
PREPARE = """
PREPARE stored(smallint, text[]) AS
SELECT entity_id, as_of, computed_at, source_rows, vals::text, task_id::text FROM model_features
WHERE feature_set_id = $1 AND entity_id = ANY($2)
"""
READERS = 200  # each asks less often than its throttle would allow, so the throttle's lists stay as short as in use


def measure(scale: Scale) -> list[Figure]:
    ids = [client.entity_id for client in data.clients(scale.of(5_000, 1_000))]
    return [*in_this_process(scale, ids), *over_http(scale, ids)]


def in_this_process(scale: Scale, ids: list[str]) -> list[Figure]:
    chosen = random.Random(1999)
    with_events = list(
        RawEvent.objects.filter(entity_type="borrower").order_by().values_list("entity_id", flat=True).distinct()
    )
    now = timedelta(0)
    with prepared() as execute, cached(ids) as mget:
        calls: dict[str, Callable[[], Any]] = {}
        for count in (1, 100):
            calls[f"stored {count}"] = lambda n=count: stored(CoreBehavioral, chosen.sample(ids, n))
            calls[f"online {count}"] = lambda n=count: online([CoreBehavioral], chosen.sample(ids, n))
            calls[f"now {count}"] = lambda n=count: online([CoreBehavioral], chosen.sample(with_events, n), max_age=now)
            calls[f"prepared {count}"] = lambda n=count: execute(chosen.sample(ids, n))
            calls[f"mget {count}"] = lambda n=count: mget(chosen.sample(ids, n))
        found = p50s(calls, times=scale.of(300, 100), rounds=scale.of(7, 3))
    return [
        Figure("stored, 1 entity, p50", found["stored 1"], "ms", found["prepared 1"], "prepared SELECT",
               (at_most(2.5, of_floor=True),), f"Redis GET {found['mget 1']:.3f} ms"),
        Figure("online, 1 entity, p50", found["online 1"], "ms", found["prepared 1"], "prepared SELECT",
               (at_most(3, of_floor=True),)),
        Figure("computed now, 1 entity, p50", found["now 1"], "ms", found["prepared 1"], "prepared SELECT",
               (at_most(1),)),
        Figure("stored, 100 entities, p50", found["stored 100"], "ms", found["prepared 100"], "prepared SELECT"),
        Figure("online, 100 entities, p50", found["online 100"], "ms", found["prepared 100"], "prepared SELECT",
               (at_most(3, of_floor=True),)),
        Figure("computed now, 100 entities, p50", found["now 100"], "ms", found["prepared 100"], "prepared SELECT"),
        Figure("stored, 100 entities, p50", found["stored 100"], "ms", found["mget 100"], "Redis MGET",
               (at_most(4, of_floor=True),)),
    ]  # fmt: skip


@contextmanager
def prepared() -> Iterator[Callable[[list[str]], list[Any]]]:
    """The same SELECT, planned once, on a bare connection."""
    plain = psycopg2.connect(**connection.get_connection_params())
    plain.autocommit = True
    number = set_id(CoreBehavioral)
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
        part = stored(CoreBehavioral, ids[start : start + 1_000])
        client.mset({f"bench:{entity_id}": row.vals for entity_id, row in part.items()})
    yield lambda wanted: client.mget([f"bench:{entity_id}" for entity_id in wanted])
    client.flushdb()


def over_http(scale: Scale, ids: list[str]) -> list[Figure]:
    chosen = random.Random(1999)
    readers = itertools.cycle(data.logged_in(data.people(READERS, Role.ANALYST)))
    alone, together = scale.of(200, 100), scale.of(400, 200)

    def ask(path: str, entities: int) -> bytes:
        body = {"feature_set": CoreBehavioral.name, "entity_ids": chosen.sample(ids, entities)}
        one = next(readers)
        return load.post(path, json.dumps(body).encode(), token=one.token, address=one.address)

    with servers.web() as web:
        watched = {"web": web.process, **servers.databases()}

        def side(path: str, entities: int, connections: int, count: int) -> tuple[load.Load, float]:
            requests = [ask(path, entities) for _ in range(count)]
            with Cpu(watched) as cpu:
                done = load.run(requests, port=web.port, connections=connections)
            return done, 1000 * cpu.servers() / count

        names = {
            "one": (PATH, 1),
            "hundred": (PATH, 100),
            "guarded": ("/api/floor/guarded", 1),
            "empty": ("/api/floor/empty", 1),
        }
        for name in names.values():
            side(*name, 8, 40)
        rounds = scale.of(5, 2)
        one = alternate({n: lambda s=s: side(*s, 1, alone) for n, s in names.items()}, rounds=rounds)
        eight = alternate({n: lambda s=s: side(*s, 8, together) for n, s in names.items()}, rounds=rounds)

    p50 = {name: median_of((done for done, _ in found), "p50") for name, found in one.items()}
    rps = {name: median_of((done for done, _ in found), "per_s") for name, found in eight.items()}
    cpu = {name: median([ms for _, ms in found]) for name, found in eight.items()}
    empty, loop = "empty DRF view", "8 connections"
    goals = (at_most(2), at_most(4, of_floor=True))
    return [
        Figure("HTTP p50, 1 entity, 1 connection", p50["one"], "ms", p50["empty"], empty, goals),
        Figure("HTTP p50, 100 entities, 1 connection", p50["hundred"], "ms", p50["empty"], empty),
        Figure("HTTP p50, empty view behind bearer, role and throttle", p50["guarded"], "ms", p50["empty"], empty),
        Figure(f"HTTP, 1 entity, {loop}", rps["one"], "requests/s", rps["empty"], empty,
               (at_least(0.3, of_floor=True),)),
        Figure(f"HTTP, 100 entities, {loop}", rps["hundred"], "requests/s", rps["empty"], empty),
        Figure(f"HTTP, bearer, role and throttle, {loop}", rps["guarded"], "requests/s", rps["empty"], empty),
        Figure("HTTP, 1 entity, CPU of the servers", cpu["one"], "ms/request", cpu["empty"], empty),
        Figure("HTTP, 100 entities, CPU of the servers", cpu["hundred"], "ms/request", cpu["empty"], empty),
        Figure("HTTP, bearer, role and throttle, CPU", cpu["guarded"], "ms/request", cpu["empty"], empty),
    ]  # fmt: skip
