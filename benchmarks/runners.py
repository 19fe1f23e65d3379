"""Those who run no-op jobs with a row: the product, RQ's own workers; started, fed, watched and stopped alike."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import psutil
import redis
from django.conf import settings
from django.db import connection
from rq import Queue

from benchmarks import servers, stock
from benchmarks.measure import Cpu, percentile
from benchmarks.tasks import noop

WORKERS = 2
OURS = ("rqworker", "workers")
FUNCTIONS = {"row": stock.row, "bare": stock.bare}


@dataclass(frozen=True, slots=True)
class Done:
    """When the jobs began and when the last of them ended, in seconds since 1970."""

    began: list[float]
    ended: float


@dataclass(slots=True)
class Side:
    """How workers are started, how jobs get to them, and what was measured.

    push(n): ask for n jobs. done(n): None until n of them have ended.
    jobs: how many a round takes; enough for some seconds.
    isolated: a job that crashes its process harms no other job.
    """

    name: str
    commands: list[tuple[str, ...]]
    push: Callable[[int], object]
    done: Callable[[int], Done | None]
    jobs: int
    isolated: bool = True
    executable: str = sys.executable
    environment: dict[str, str] = field(default_factory=dict)
    per_s: list[float] = field(default_factory=list)
    per_cpu_s: list[float] = field(default_factory=list)
    start_ms: list[float] = field(default_factory=list)

    @property
    def speed(self) -> float:
        return statistics.median(self.per_s)

    @property
    def steady(self) -> float:
        return statistics.median(self.per_cpu_s)

    @property
    def start(self) -> float:
        return percentile(self.start_ms, 50)

    def __str__(self) -> str:
        idle = f"; idle start {self.start:.1f} ms" if self.start_ms else ""
        return f"{self.speed:,.0f} tasks/s, {self.steady:,.0f} per CPU s{idle}"


def one_round(side: Side, *, singles: int) -> None:
    """Warm the workers, ask for single jobs while they are idle, then for many at once."""
    with workers(side) as processes:
        for _ in range(3):
            ask(side, WORKERS)
        for _ in range(singles):
            forget()
            time.sleep(0.05)
            asked = time.time()
            side.push(1)
            side.start_ms.append((wait(side, 1).began[0] - asked) * 1000)
        forget(all_at_once=True)
        with halted(processes):  # who asks is not measured, and takes no processor from those who are
            side.push(side.jobs)
        resumed = time.time()
        with Cpu({"workers": processes, **servers.databases()}) as cpu:
            done = wait(side, side.jobs)
        side.per_s.append(side.jobs / (done.ended - resumed))
        side.per_cpu_s.append(side.jobs / cpu.servers())


@contextmanager
def halted(processes: list[psutil.Process]) -> Iterator[None]:
    """They stand still in the block, with all they started."""
    everyone = [one for process in processes for one in (process, *process.children(recursive=True))]
    for one in everyone:
        one.suspend()
    try:
        yield
    finally:
        for one in reversed(everyone):
            one.resume()


def ask(side: Side, count: int) -> Done:
    forget()
    side.push(count)
    return wait(side, count)


def wait(side: Side, count: int) -> Done:
    pause_s = 0.002 if count == 1 else 0.1
    give_up = time.monotonic() + 300
    while (done := side.done(count)) is None:
        if time.monotonic() > give_up:
            raise RuntimeError(f"{side.name} does not finish its jobs; see logs/benchmarks.log in the data folder")
        time.sleep(pause_s)
    return done


def forget(*, all_at_once: bool = False) -> None:
    """No rows of earlier jobs: no side pays for what another left. A TRUNCATE would also end every plan in use."""
    with connection.cursor() as cursor:
        if all_at_once:
            cursor.execute("SET lock_timeout = '30s'; TRUNCATE tasks_task CASCADE; TRUNCATE bench_job")
        else:
            cursor.execute("DELETE FROM tasks_attempt; DELETE FROM tasks_task; DELETE FROM bench_job")


@contextmanager
def workers(side: Side) -> Iterator[list]:
    redis.Redis.from_url(settings.REDIS_URL).flushdb()
    with ExitStack() as stack:
        yield [
            stack.enter_context(servers.started(*command, executable=side.executable, **side.environment))
            for command in side.commands
        ]


def ours(name: str, jobs: int) -> Side:
    """`manage.py rqworker` once for each worker, or the pool."""
    single = ("manage.py", "rqworker", *settings.QUEUES, "--verbosity", "0")
    commands = [single] * WORKERS if name == "rqworker" else [("manage.py", "workers", "--num", str(WORKERS))]
    return Side(name, commands, lambda count: noop.enqueue_many({} for _ in range(count)), tasks_done, jobs)


def tasks_done(count: int) -> Done | None:
    """From the rows themselves; the open ones are found by an index."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM tasks_task WHERE status <> 'completed')")
        if cursor.fetchone()[0]:
            return None
        cursor.execute("SELECT result::text::float8, extract(epoch FROM completed_at)::float8 FROM tasks_task")
        began, ended = zip(*cursor.fetchall(), strict=True)
    if len(began) != count:
        raise RuntimeError(f"{len(began)} tasks of {count}")
    return Done(list(began), max(ended))


def stock_worker(kind: str, function: str, jobs: int) -> Side:
    """RQ as it comes. `row`: each job updates its row over a connection of its own; `bare`: it does nothing."""
    queue = Queue(f"stock-{kind}-{function}", connection=redis.Redis.from_url(settings.REDIS_URL))

    def push(count: int) -> None:
        make_rows(count)
        queue.enqueue_many(Queue.prepare_data(FUNCTIONS[function], args=[n]) for n in range(count))

    done = rows_done if function == "row" else rq_done(queue)
    command = ("-m", "benchmarks.stock", kind, queue.name)
    title = f"stock {kind}, {'a row' if function == 'row' else 'bare'}"
    return Side(title, [command] * WORKERS, push, done, jobs, isolated=kind == "Worker")


def rq_done(queue: Queue) -> Callable[[int], Done | None]:
    def done(count: int) -> Done | None:
        registry = queue.finished_job_registry
        if (queue.connection.zcard(registry.key)) < count:
            return None
        jobs = queue.job_class.fetch_many(registry.get_job_ids(cleanup=False), connection=queue.connection)
        began = [job.return_value() for job in jobs]
        ended = max(job.ended_at.timestamp() for job in jobs)
        queue.empty()
        queue.connection.delete(registry.key)
        return Done(began, ended)

    return done


def create_rows_table() -> None:
    """Rows of the others' jobs: when each was asked for, began and ended."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE IF NOT EXISTS bench_job (id int PRIMARY KEY, asked_at float8, began_at float8, "
            "ended_at timestamptz)"
        )


def make_rows(count: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO bench_job (id) SELECT generate_series(0, %s - 1)", [count])


def rows_done(count: int) -> Done | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM bench_job WHERE ended_at IS NOT NULL")
        if cursor.fetchone()[0] < count:
            return None
        cursor.execute(
            "SELECT began_at, extract(epoch FROM ended_at)::float8 FROM bench_job WHERE ended_at IS NOT NULL"
        )
        began, ended = zip(*cursor.fetchall(), strict=True)
    return Done(list(began), max(ended))
