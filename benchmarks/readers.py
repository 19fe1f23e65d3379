"""Programs that read features over HTTP, each with a key; and the least a read costs, a SELECT planned beforehand."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any

import psycopg2
import redis
from django.conf import settings
from django.db import connection

from accounts.people import issue_api_key
from base.roles import Role
from benchmarks import load, servers
from benchmarks.measure import Cpu, Scale, alternate, median_of
from features.catalogue import set_id
from features.definitions import FeatureSet
from features.serving.stored import stored

PATH = "/api/v1/features/inference"
EMPTY, GUARDED = "/api/floor/empty", "/api/floor/guarded"
PROGRAMS = 20
PREPARE = """
PREPARE stored(smallint, text[]) AS
SELECT entity_id, as_of, computed_at, source_rows, vals::text, task_id::text FROM model_features
WHERE feature_set_id = $1 AND entity_id = ANY($2)
"""


class Requests:
    """Requests of programs about entities drawn at random."""

    def __init__(self, feature_set: type[FeatureSet], ids: list[str]) -> None:
        self.feature_set, self.ids, self.chosen = feature_set, ids, random.Random(1999)
        self.keys = [issue_api_key(username=f"synthetic-program-{n}", role=Role.SERVICE) for n in range(PROGRAMS)]
        self.turns = itertools.cycle(self.keys)

    def __call__(self, path: str, entities: int, **more: Any) -> bytes:
        body = {"feature_set": self.feature_set.name, "entity_ids": self.chosen.sample(self.ids, entities), **more}
        return load.post(path, json.dumps(body).encode(), token=next(self.turns))


@dataclass(frozen=True, slots=True)
class Answered:
    """Of each kind of request: milliseconds at p50 alone; with 8 connections requests/s and CPU ms of the servers."""

    p50: Mapping[str, float]
    per_s: Mapping[str, float]
    cpu: Mapping[str, float]


def answered(scale: Scale, kinds: Mapping[str, Callable[[], bytes]]) -> Answered:
    """Ask the product's web server, kind after kind, first alone and then eight at a time."""
    alone, together, rounds = scale.of(200, 100), scale.of(400, 200), scale.of(5, 2)
    with servers.web() as web:
        watched = {"web": web.process, **servers.databases()}

        def side(make: Callable[[], bytes], connections: int, count: int) -> tuple[load.Load, float]:
            requests = [make() for _ in range(count)]
            with Cpu(watched) as cpu:
                done = load.run(requests, port=web.port, connections=connections)
            return done, 1000 * cpu.servers() / count

        for make in kinds.values():
            side(make, 8, 40)
        one = alternate({n: lambda m=m: side(m, 1, alone) for n, m in kinds.items()}, rounds=rounds)
        eight = alternate({n: lambda m=m: side(m, 8, together) for n, m in kinds.items()}, rounds=rounds)
    return Answered(
        {name: median_of((done for done, _ in found), "p50") for name, found in one.items()},
        {name: median_of((done for done, _ in found), "per_s") for name, found in eight.items()},
        {name: median([ms for _, ms in found]) for name, found in eight.items()},
    )


@contextmanager
def prepared(feature_set: type[FeatureSet]) -> Iterator[Callable[[list[str]], list[Any]]]:
    """The SELECT of `stored`, planned once, on a bare connection."""
    plain = psycopg2.connect(**connection.get_connection_params())
    plain.autocommit = True
    number = set_id(feature_set)
    with plain.cursor() as cursor:
        cursor.execute(PREPARE)

    def execute(ids: list[str]) -> list[Any]:
        with plain.cursor() as cursor:
            cursor.execute("EXECUTE stored(%s, %s)", [number, ids])
            return cursor.fetchall()

    yield execute
    plain.close()


@contextmanager
def cached(feature_set: type[FeatureSet], ids: list[str]) -> Iterator[Callable[[list[str]], list[Any]]]:
    """The values in Redis under the entity's id, as a cache would hold them."""
    client = redis.Redis.from_url(settings.REDIS_URL)
    for start in range(0, len(ids), 1_000):
        part = stored(feature_set, ids[start : start + 1_000])
        client.mset({f"bench:{entity_id}": row.vals for entity_id, row in part.items()})
    yield lambda wanted: client.mget([f"bench:{entity_id}" for entity_id in wanted])
    client.flushdb()
