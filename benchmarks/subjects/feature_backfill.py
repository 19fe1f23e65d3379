"""Computing ten features of everybody: beside the best single statement, by one worker and by two, and its memory."""

from __future__ import annotations

import multiprocessing
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psutil
from django.db import connection, connections

from benchmarks import data, servers, statements
from benchmarks.measure import Cpu, Figure, Scale, alternate, at_least, at_most, p50s
from benchmarks.memory import Peak
from benchmarks.subjects.backfill import UNCOVERED, WORKER_TIMEOUT
from benchmarks.workload.events import holder
from benchmarks.workload.features import Activity
from features.catalogue import set_id
from features.values import coverage

BATCH, PATIENCE_S = 1_000, 1800


@dataclass(frozen=True, slots=True)
class Run:
    """Entities a second, CPU microseconds of all processes for each, and peak MiB of a worker and of its backend."""

    per_s: float
    cpu_us: float
    worker_mib: float = 0
    backend_mib: float = 0


def measure(scale: Scale) -> list[Figure]:
    sizes = [scale.entities] if scale.entities else [scale.of(20_000, 2_000), scale.of(200_000, 6_000)]
    with connection.cursor() as cursor:
        cursor.execute(statements.LATEST)
    figures: list[Figure] = []
    smaller: Run | None = None
    for before, entities in zip([0, *sizes], sizes, strict=False):
        data.movements(entities, after=before)
        found, one = at_size(entities, rounds=1 if entities > 20_000 else scale.of(3, 1))
        figures += [*found, *memory(entities, one, smaller), questions(scale, entities)]
        smaller = one
    return figures


def at_size(entities: int, *, rounds: int) -> tuple[list[Figure], Run]:
    best, shapes = fastest(entities)
    sides = {
        "one": lambda: by_workers(1, entities),
        "floor": lambda: by_statement(best, entities),
        "two": lambda: by_workers(2, entities),
    }
    found = alternate(sides, rounds=rounds)
    speed = {name: statistics.median(run.per_s for run in runs) for name, runs in found.items()}
    cpu = {name: statistics.median(run.cpu_us for run in runs) for name, runs in found.items()}
    one = max(found["one"], key=lambda run: run.worker_mib)
    title, each, cost = f"{events(entities)}: backfill", "entities/s", "µs CPU/entity"
    floor = f"one statement, {best}"
    return [
        Figure(
            f"{title}, 1 worker", speed["one"], each, speed["floor"], floor, (at_least(0.8, of_floor=True),), shapes
        ),
        Figure(f"{title}, cost", cpu["one"], cost, cpu["floor"], floor),
        Figure(f"{title}, 2 workers", speed["two"], each, speed["one"], "1 worker", (at_least(1.6, of_floor=True),)),
        Figure(f"{title}, 2 workers, cost", cpu["two"], cost, cpu["one"], "1 worker"),
    ], one


def memory(entities: int, run: Run, smaller: Run | None) -> list[Figure]:
    """Peaks, beside those of the smaller size."""
    goals = (at_most(1.1, of_floor=True),) if smaller else ()
    name, before = f"{events(entities)}: peak memory of", "the smaller size" if smaller else ""
    return [
        Figure(f"{name} the worker", run.worker_mib, "MiB", smaller and smaller.worker_mib, before, goals),
        Figure(f"{name} its backend, own", run.backend_mib, "MiB", smaller and smaller.backend_mib, before, goals),
    ]


def events(entities: int) -> str:
    return f"{entities * data.PER_ENTITY / 1e6:g}M events"


def fastest(entities: int) -> tuple[str, str]:
    """The shape of SQL that is fastest at this size, and what each did at its best of two."""
    sides = {name: lambda name=name: by_statement(name, entities).per_s for name in statements.BACKFILL}
    speeds = {name: max(found) for name, found in alternate(sides, rounds=2).items()}
    return max(speeds, key=lambda name: speeds[name]), ", ".join(f"{name} {speeds[name]:,.0f}" for name in speeds)


def by_statement(name: str, entities: int) -> Run:
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0; TRUNCATE bench_latest")
        with Cpu(servers.databases()) as cpu:
            started = time.perf_counter()
            cursor.execute(statements.BACKFILL[name], {"kinds": statements.KINDS})
            seconds = time.perf_counter() - started
        if cursor.rowcount != entities:
            raise RuntimeError(f"{name} stored {cursor.rowcount} rows of {entities}")
    return Run(entities / seconds, 1e6 * sum(cpu.used.values()) / entities)


def by_workers(count: int, entities: int) -> Run:
    """Every entity waits with all its events, and so many processes bring them up to date."""
    data.forget_values()
    connections.close_all()
    context = multiprocessing.get_context("fork")
    ready, backends = context.Barrier(count + 1), context.SimpleQueue()
    workers = [context.Process(target=work, args=(ready, backends)) for _ in range(count)]
    for worker in workers:
        worker.start()
    pids = [backends.get() for _ in workers]
    with Peak(worker.pid for worker in workers) as own, Peak(pids) as theirs, Cpu(servers.databases()) as cpu:
        children = Cpu({"workers": [psutil.Process(worker.pid) for worker in workers]})
        ready.wait(60)
        with children:
            started = time.perf_counter()
            ready.wait(PATIENCE_S)
            seconds = time.perf_counter() - started
    ready.wait(60)
    for worker in workers:
        worker.join(60)
    if left := coverage.count_waiting(holder.name):
        raise RuntimeError(f"{left} entities were left out")
    used = cpu.servers() + children.servers()
    return Run(entities / seconds, 1e6 * used / entities, own.mib, theirs.mib)


def work(ready: Any, backends: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(WORKER_TIMEOUT)
        cursor.execute("SELECT pg_backend_pid()")
        backends.put(cursor.fetchone()[0])
    ready.wait(60)
    data.extract_all(BATCH, entity_type=holder.name)
    ready.wait(PATIENCE_S)
    ready.wait(60)  # the last look at the processes comes before they end
    connections.close_all()


def questions(scale: Scale, entities: int) -> Figure:
    """Coverage as the console and the statistics ask for it, beside the anti-join alone."""
    number = set_id(Activity)

    def anti_join() -> None:
        with connection.cursor() as cursor:
            cursor.execute(UNCOVERED, [number])
            cursor.fetchall()

    data.vacuum("raw_events", "model_features", "features_staleentity")
    calls: dict[str, Callable[[], Any]] = {
        "statistics": lambda: (coverage.coverage(), coverage.totals()),
        "totals": coverage.totals,
        "anti-join": anti_join,
    }
    found = p50s(calls, times=scale.of(5, 3), rounds=scale.of(3, 2))
    remark = f"of them {found['totals']:.1f} ms counts of all events and of waiting ones"
    name, goals = f"{events(entities)}: coverage statistics", (at_most(10),)
    return Figure(name, found["statistics"], "ms", found["anti-join"], "anti-join", goals, remark)
