"""Tasks that do nothing, with their rows: how many a second, how soon they start, what asking for one costs."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from typing import Any

from django.db import connection, transaction

from base import statements
from benchmarks.measure import Figure, Scale, alternate, at_least, at_most, medians, percentile
from benchmarks.runners import OURS, WORKERS, Side, create_rows_table, forget, one_round, ours, stock_worker
from benchmarks.tasks import noop
from tasks import bell, store

FORK, SIMPLE = "stock Worker, a row", "stock SimpleWorker, a row"
EACH, COST = "tasks/s", "tasks per CPU second"


def measure(scale: Scale) -> list[Figure]:
    create_rows_table()
    many, slow, fast = scale.of(8_000, 1_500), scale.of(240, 40), scale.of(900, 150)
    sides = [
        ours("rqworker", many),
        ours("workers", many),
        stock_worker("Worker", "row", slow),
        stock_worker("SimpleWorker", "row", fast),
        *([] if scale.quick else [stock_worker("Worker", "bare", slow), stock_worker("SimpleWorker", "bare", fast)]),
    ]
    for _ in range(scale.of(5, 1)):
        for side in sides:
            one_round(side, singles=scale.of(30, 10))
    return [*compared({side.name: side for side in sides}), *asking(scale), *asking_for_many(scale)]


def compared(sides: dict[str, Side]) -> list[Figure]:
    fork, simple = sides[FORK], sides[SIMPLE]
    figures = []
    for name in OURS:
        side, title = sides[name], f"manage.py {name}"
        goal = (at_least(20, of_floor=True),)
        figures += [
            Figure(f"{title}, {WORKERS} workers", side.speed, EACH, fork.speed, FORK, goal),
            Figure(f"{title}, {WORKERS} workers", side.steady, COST, fork.steady, FORK, goal),
            Figure(f"{title}, {WORKERS} workers", side.speed, EACH, simple.speed, SIMPLE),
            Figure(f"{title}, {WORKERS} workers", side.steady, COST, simple.steady, SIMPLE),
            Figure(f"{title}, idle: asked to started, p50", side.start, "ms", simple.start, SIMPLE,
                   (at_most(1.5, of_floor=True),)),
            Figure(f"{title}, idle: asked to started, p50", side.start, "ms", fork.start, FORK),
        ]  # fmt: skip
    others = [side for side in sides.values() if side.name not in OURS]
    return figures + [Figure(f"{side.name}, {WORKERS} workers", side.speed, EACH, cpu=str(side)) for side in others]


def asking(scale: Scale) -> list[Figure]:
    """`enqueue` beside its bare INSERT in the same transaction, and the bell that follows the commit."""
    values = [*store._values(noop, None, ""), "{}"]
    times: dict[str, list[float]] = {"enqueue": [], "insert": [], "bell": [], "full": []}

    def clocked(name: str, call: Callable[[], object]) -> None:
        started = time.perf_counter()
        call()
        times[name].append((time.perf_counter() - started) * 1000)

    def insert() -> None:
        with connection.cursor() as cursor:
            statements.execute(cursor, store.INSERT, values)
            cursor.fetchone()

    for _ in range(scale.of(1_000, 200)):
        with transaction.atomic():
            noop.enqueue()  # the transaction has begun: neither side pays for its BEGIN
            clocked("enqueue", noop.enqueue)
            clocked("insert", insert)
            transaction.get_connection().run_on_commit.clear()
            bell._asked.__dict__.clear()
        bell._queue("default").empty()
        clocked("bell", lambda: bell.ring("default"))
        for _ in range(bell.ENOUGH):
            bell.ring("default")
        clocked("full", lambda: bell.ring("default"))
    bell._queue("default").empty()
    p50 = {name: percentile(found, 50) for name, found in times.items()}
    bare, goals = "the bare INSERT", (at_most(2, of_floor=True),)
    return [
        Figure("enqueue in a transaction, p50", p50["enqueue"], "ms", p50["insert"], bare, goals),
        Figure("the bell after the commit, p50", p50["bell"], "ms", p50["insert"], bare),
        Figure("the bell, enough are waiting, p50", p50["full"], "ms", p50["insert"], bare),
    ]


def asking_for_many(scale: Scale) -> list[Figure]:
    """`enqueue_many` beside one INSERT … SELECT of the same rows, and COPY of them into a table without indexes."""
    count = scale.of(20_000, 5_000)
    calls: list[dict[str, Any]] = [{"number": number} for number in range(count)]
    columns = store.COLUMNS.strip()
    lines = io.StringIO()
    forget()
    noop.enqueue_many(calls)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE bench_model AS SELECT {columns.strip('()')} FROM tasks_task ORDER BY id")
        cursor.execute("CREATE TABLE bench_copied (LIKE bench_model)")
        cursor.cursor.copy_expert("COPY bench_model TO STDOUT", lines)

    def by_select() -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"INSERT INTO tasks_task {columns} SELECT * FROM bench_model")

    def by_copy() -> None:
        lines.seek(0)
        with connection.cursor() as cursor:
            cursor.cursor.copy_expert("COPY bench_copied FROM STDIN", lines)

    def rate(call: Callable[[], object]) -> Callable[[], float]:
        def once() -> float:
            forget()
            started = time.perf_counter()
            with transaction.atomic():
                call()
            return count / (time.perf_counter() - started)

        return once

    sides = {"many": rate(lambda: noop.enqueue_many(calls)), "select": rate(by_select), "copy": rate(by_copy)}
    found = medians(alternate(sides, rounds=scale.of(7, 3)))
    name = f"enqueue_many of {count:,}"
    return [
        Figure(name, found["many"], "rows/s", found["select"], "INSERT … SELECT", (at_least(5_000),)),
        Figure(name, found["many"], "rows/s", found["copy"], "COPY without indexes"),
    ]
