"""The product beside other job systems, two workers each. They are installed when this is asked for, and only then."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable

from django.db import connection

from benchmarks.environment import ALONE, ROOT, python_of
from benchmarks.measure import Figure, Goal, Scale, at_least
from benchmarks.runners import (
    OURS,
    WORKERS,
    Done,
    Side,
    create_rows_table,
    make_rows,
    one_round,
    ours,
    rows_done,
    stock_worker,
)

CELERY = "Celery prefork, late ack, connection per job"
EACH, COST = "tasks/s", "tasks per CPU second"


def measure(scale: Scale) -> list[Figure]:
    python = python_of("peers")
    create_rows_table()
    prepare(python)
    many = scale.of(8_000, 1_500)
    sides = [
        *(ours(name, many) for name in OURS),
        *peers(python, scale),
        stock_worker("Worker", "row", scale.of(240, 40)),
        stock_worker("SimpleWorker", "row", scale.of(900, 150)),
    ]
    for _ in range(scale.of(5, 1)):
        for side in sides:
            one_round(side, singles=0)
    return compared({side.name: side for side in sides})


def compared(sides: dict[str, Side]) -> list[Figure]:
    figures = []
    for name in OURS:
        side, title = sides[name], f"manage.py {name}"
        for other in (other for other in sides.values() if other.name not in OURS):
            ahead: tuple[Goal, ...] = (at_least(1, of_floor=True),) if other.isolated else ()
            goals = (at_least(8, of_floor=True),) if other.name == CELERY else ahead
            remark = str(other) if other.isolated else f"{other}; no isolation"
            figures += [
                Figure(title, side.speed, EACH, other.speed, other.name, goals, remark),
                Figure(title, side.steady, COST, other.steady, other.name, goals),
            ]
    return figures


def run(python: str, *arguments: str) -> None:
    """Run a command of the peers to its end."""
    found = subprocess.run(
        [python, *arguments],
        env={**os.environ, **ALONE},
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if found.returncode:
        raise RuntimeError(f"{' '.join(arguments)}: {found.stderr[-2_000:]}")


def prepare(python: str) -> None:
    """Tables of those that keep jobs in PostgreSQL, in the same database."""
    run(python, "-m", "procrastinate", "--app=benchmarks.peers.procrastinate_app.app", "schema", "--apply")
    for app in ("django_tasks_database", "django_q"):
        run(python, "-m", "benchmarks.peers.django_site", "migrate", app, "--verbosity", "0")


def peers(python: str, scale: Scale) -> list[Side]:
    """Each with two workers. `isolated`: a job that ends its process harms no other job."""
    jobs = scale.of(1_500, 300)
    celery = ("-m", "celery", "-A", "benchmarks.peers.celery_app", "worker", "-c", str(WORKERS), "-l", "ERROR")
    quiet = ("--without-gossip", "--without-mingle")
    dramatiq = ("-m", "dramatiq", "benchmarks.peers.dramatiq_app", "-p", str(WORKERS), "-t", "1")
    site = ("-m", "benchmarks.peers.django_site")
    procrastinate = ("-m", "procrastinate", "--app=benchmarks.peers.procrastinate_app.app", "worker", "-c", "1")
    sides = []
    for acks in ("late", "early"):
        for kept in ("per job", "kept"):
            title = f"Celery prefork, {acks} ack, connection {kept}"
            options = {"BENCH_ACKS": acks, "BENCH_CONNECTION": kept}
            sides.append(with_rows(title, "celery_app", [(*celery, *quiet)], python, jobs, options))
    for kept in ("per job", "kept"):
        title = f"Dramatiq, a thread a process, connection {kept}"
        sides.append(with_rows(title, "dramatiq_app", [dramatiq], python, jobs, {"BENCH_CONNECTION": kept}))
    sides += [
        own("Procrastinate", [procrastinate] * WORKERS, PROCRASTINATE, python, jobs,
            ("-m", "benchmarks.peers.procrastinate_app"), isolated=False),
        own("django-tasks-db", [(*site, "db_worker", "--no-startup-delay")] * WORKERS, DJANGO_TASKS, python, jobs,
            (*site, "push_db"), isolated=False),
        own("django-q2 over Redis", [(*site, "qcluster")], DJANGO_Q, python, jobs, (*site, "push_q"), isolated=True),
    ]  # fmt: skip
    return sides


def with_rows(
    name: str, module: str, commands: list[tuple[str, ...]], python: str, jobs: int, options: dict[str, str]
) -> Side:
    """A peer with its broker in Redis, whose job changes a row."""

    def push(count: int) -> None:
        make_rows(count)
        run(python, "-m", f"benchmarks.peers.{module}", str(count))

    return Side(name, commands, push, rows_done, jobs, executable=python, environment=ALONE | options)


# When each job began and ended, from the peer's own rows, which are emptied once it is read.
PROCRASTINATE = (
    "SELECT at FROM procrastinate_events WHERE type = 'started'",
    "SELECT at FROM procrastinate_events WHERE type = 'succeeded'",
    "TRUNCATE procrastinate_jobs, procrastinate_events CASCADE",
)
DJANGO_TASKS = (
    "SELECT started_at FROM django_tasks_database_dbtaskresult WHERE status = 'SUCCESSFUL'",
    "SELECT finished_at FROM django_tasks_database_dbtaskresult WHERE status = 'SUCCESSFUL'",
    "TRUNCATE django_tasks_database_dbtaskresult",
)
DJANGO_Q = (
    "SELECT started FROM django_q_task WHERE success",
    "SELECT clock_timestamp() FROM django_q_task WHERE success",  # the row is stored later than it says
    "TRUNCATE django_q_task",
)


def own(
    name: str,
    commands: list[tuple[str, ...]],
    rows: tuple[str, str, str],
    python: str,
    jobs: int,
    push: tuple[str, ...],
    *,
    isolated: bool,
) -> Side:
    """A peer that keeps a row for each job itself; its job does nothing."""
    began, ended, forget = rows

    def times(statement: str) -> list[float]:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT extract(epoch FROM at)::float8 FROM ({statement}) AS found(at)")
            return [row[0] for row in cursor.fetchall()]

    def done(count: int) -> Done | None:
        if len(found := times(ended)) < count:
            return None
        result = Done(times(began), max(found))
        with connection.cursor() as cursor:
            cursor.execute(forget)
        return result

    asked: Callable[[int], None] = lambda count: run(python, *push, str(count))  # noqa: E731
    return Side(name, commands, asked, done, jobs, isolated=isolated, executable=python, environment=ALONE)
