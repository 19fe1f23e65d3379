"""Computing the features of everybody, beside one statement that does only that; and knowing what is left to do."""

from __future__ import annotations

import multiprocessing
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import connection, connections

from benchmarks import data, servers
from benchmarks.measure import Cpu, Figure, Scale, alternate, at_least, at_most, p50s
from features.catalogue import set_id
from features.definitions import feature_sets
from features.engine.compiler import compute_query
from features.values import coverage
from loans.features import CoreBehavioral

PER_ENTITY, BATCH, SHARE_UNCOVERED = 50, 500, 50
WORKER_TIMEOUT = "SET statement_timeout = '30s'"  # as in tasks.execution
UNCOVERED = """
SELECT count(*) FROM features_knownentity e LEFT JOIN model_features v
  ON v.feature_set_id = %s AND v.entity_id = e.entity_id WHERE v.entity_id IS NULL
"""
NAIVE = """
SELECT count(*) FROM (SELECT DISTINCT r.entity_id FROM raw_events r LEFT JOIN model_features v
  ON v.feature_set_id = %s AND v.entity_id = r.entity_id WHERE v.entity_id IS NULL) missing
"""


@dataclass(frozen=True, slots=True)
class Run:
    """Entities a second, and CPU microseconds of all processes for each."""

    per_s: float
    cpu_us: float


def measure(scale: Scale) -> list[Figure]:
    entities = scale.entities or scale.of(20_000, 2_000)
    data.events(entities, per_entity=PER_ENTITY)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_values (LIKE model_features INCLUDING ALL)")
    return [*speed(scale, entities), *questions(scale, entities)]


def speed(scale: Scale, entities: int) -> list[Figure]:
    sides = {
        "backfill": lambda: _run(entities, _extract, prepare=data.forget_values),
        "floor": lambda: _run(entities, _one_statement, prepare=_empty_floor),
        "renew": lambda: _run(entities, lambda: data.extract_all(BATCH, everyone=True)),
        "two": lambda: _run_two(entities),
    }
    found = alternate(sides, rounds=scale.of(2, 1))
    speed = {name: statistics.median(run.per_s for run in runs) for name, runs in found.items()}
    cpu = {name: statistics.median(run.cpu_us for run in runs) for name, runs in found.items()}
    sets = len(feature_sets(entity="borrower"))
    unit, cost, one = "entities/s", "µs CPU/entity", "one statement"
    features = f"{sets} sets, {sum(len(s.features) for s in feature_sets(entity='borrower'))} features"
    return [
        Figure(f"backfill, batches of {BATCH}, {entities:,} × {PER_ENTITY} events", speed["backfill"], unit,
               speed["floor"], one, (at_least(0.8, of_floor=True),), features),
        Figure("the same, cost", cpu["backfill"], cost, cpu["floor"], one),
        Figure("renewing values, nothing waits", speed["renew"], unit, speed["floor"], one),
        Figure("the same, cost", cpu["renew"], cost, cpu["floor"], one),
        Figure("backfill, 2 processes at once", speed["two"], unit, speed["backfill"], "1 process",
               (at_least(1.6, of_floor=True),)),
        Figure("the same, cost", cpu["two"], cost, cpu["backfill"], "1 process"),
    ]  # fmt: skip


def _run(entities: int, work: Callable[[], Any], prepare: Callable[[], Any] | None = None) -> Run:
    if prepare:
        prepare()
    with connection.cursor() as cursor:
        cursor.execute(WORKER_TIMEOUT)
    with Cpu(servers.databases()) as cpu:
        started = time.perf_counter()
        work()
        seconds = time.perf_counter() - started
    return Run(entities / seconds, 1e6 * sum(cpu.used.values()) / entities)


def _extract() -> None:
    data.extract_all(BATCH)


def _empty_floor() -> None:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE bench_values")


def _one_statement() -> None:
    """All sets of all entities, latest values only: no locks, no history, no backlog, no batches."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("SELECT array_agg(entity_id ORDER BY entity_id), now() FROM features_knownentity")
        ids, now = cursor.fetchone()
        parts = []
        for feature_set in feature_sets(entity="borrower"):
            query, parameters = compute_query(feature_set)
            insert = (
                "INSERT INTO bench_values (feature_set_id, entity_id, as_of, computed_at, source_rows, vals) "
                f"SELECT %(set_id)s, entity_id, as_of, clock_timestamp(), source_rows, vals FROM ({query}) q"
            )
            more = {"set_id": set_id(feature_set), "entity_ids": ids, "times": [now] * len(ids), "known_at": None}
            parts.append(cursor.mogrify(insert, parameters | more).decode())
        first = ", ".join(f"s{number} AS ({part})" for number, part in enumerate(parts[1:]))
        cursor.execute(f"WITH {first} {parts[0]}" if first else parts[0])


def _run_two(entities: int) -> Run:
    data.forget_values()
    connections.close_all()
    context = multiprocessing.get_context("fork")
    ready = context.Barrier(3)
    workers = [context.Process(target=_work, args=(ready,)) for _ in range(2)]
    for worker in workers:
        worker.start()
    with Cpu(servers.databases()) as cpu:
        ready.wait(60)
        started = time.perf_counter()
        ready.wait(300)
        seconds = time.perf_counter() - started
    for worker in workers:
        worker.join(60)
    if left := coverage.count_waiting("borrower"):
        raise RuntimeError(f"{left} entities were left out")
    return Run(entities / seconds, 1e6 * cpu.servers() / entities)


def _work(ready: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(WORKER_TIMEOUT)
    ready.wait(60)
    data.extract_all(BATCH)
    ready.wait(300)
    connections.close_all()


def questions(scale: Scale, entities: int) -> list[Figure]:
    """Asked with one entity in fifty uncovered and its events waiting."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE dropped AS SELECT entity_id FROM features_knownentity WHERE id %% %s = 0",
            [SHARE_UNCOVERED],
        )
        cursor.execute("DELETE FROM model_features WHERE entity_id IN (SELECT entity_id FROM dropped)")
        cursor.execute(
            "INSERT INTO features_countdelta (what, n) SELECT 'values:' || id, -(SELECT count(*) FROM dropped) "
            "FROM features_featuresetversion WHERE entity_type = 'borrower'"
        )
        cursor.execute(
            "INSERT INTO features_staleentity (entity_type, entity_id, events, from_event_id, earliest, latest) "
            "SELECT 'borrower', r.entity_id, count(*), min(r.id), min(r.event_time), max(r.event_time) FROM dropped d "
            "JOIN raw_events r ON r.entity_type = 'borrower' AND r.entity_id = d.entity_id GROUP BY 2"
        )
    data.vacuum("model_features", "features_staleentity")
    number = set_id(CoreBehavioral)

    def ask(sql: str) -> Callable[[], Any]:
        def run() -> None:
            with connection.cursor() as cursor:
                cursor.execute("SET statement_timeout = 0")
                cursor.execute(sql, [number])
                cursor.fetchall()

        return run

    calls: dict[str, Callable[[], Any]] = {
        "one set": lambda: coverage.coverage_of(CoreBehavioral),
        "first 500": lambda: coverage.marked_entities("borrower", limit=BATCH),
        "count": lambda: coverage.count_waiting("borrower"),
        "totals": coverage.totals,
        "anti-join": ask(UNCOVERED),
        "naive": ask(NAIVE),
    }
    found = p50s(calls, times=scale.of(5, 3), rounds=scale.of(3, 2))
    events, anti = f"{entities * PER_ENTITY / 1e6:g}M events", "anti-join"
    return [
        Figure(f"coverage of one set, {events}", found["one set"], "ms", found["anti-join"], anti,
               (at_most(10),)),
        Figure("the first 500 marked", found["first 500"], "ms", found["anti-join"], anti, (at_most(10),)),
        Figure("count of all waiting", found["count"], "ms", found["anti-join"], anti),
        Figure("counts of all events and of waiting ones", found["totals"], "ms", found["anti-join"], anti),
        Figure("uncovered entities by DISTINCT over raw events", found["naive"], "ms", found["anti-join"], anti),
    ]  # fmt: skip
