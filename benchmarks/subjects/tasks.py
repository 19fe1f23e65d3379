"""Tasks that do nothing, with their rows: how many a second, how soon they start, what asking for one costs."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import redis
from django.conf import settings
from django.db import connection, transaction
from rq import Queue
from rq.registry import FinishedJobRegistry

from benchmarks import servers, stock
from benchmarks.measure import Cpu, Figure, Scale, percentile
from benchmarks.tasks import noop
from tasks import bell, store
from tasks.models import Status, Task

WORKERS = 2
OURS = ("rqworker", "workers")
FUNCTIONS = {"row": stock.row, "bare": stock.bare}


@dataclass(slots=True)
class Side:
    """Somebody who runs jobs: how it is started, how jobs get to it, and what was measured."""

    name: str
    commands: list[tuple[str, ...]]
    push: Callable[[int], list[str]]
    starts: Callable[[list[str]], list[float]]
    jobs: int
    per_s: list[float] = field(default_factory=list)
    per_cpu_s: list[float] = field(default_factory=list)
    start_ms: list[float] = field(default_factory=list)


def measure(scale: Scale) -> list[Figure]:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_job (id int PRIMARY KEY, ended_at timestamptz)")
        cursor.execute("INSERT INTO bench_job (id) SELECT generate_series(0, 99999)")
    slow, fast = scale.of(120, 40), scale.of(600, 200)
    product = [("manage.py", "rqworker", *settings.QUEUES, "--verbosity", "0")] * WORKERS
    pool = [("manage.py", "workers", "--num", str(WORKERS))]
    sides = [
        Side("rqworker", product, push_tasks, task_starts, slow),
        Side("workers", pool, push_tasks, task_starts, slow),
        stock_side("Worker", "row", slow),
        stock_side("Worker", "bare", slow),
        stock_side("SimpleWorker", "row", fast),
        stock_side("SimpleWorker", "bare", fast),
    ]
    for _ in range(scale.of(3, 1)):
        for side in sides:
            one_round(side, singles=scale.of(15, 8))
    return [*compared(sides), *asking(scale)]


def compared(sides: list[Side]) -> list[Figure]:
    speed = {side.name: statistics.median(side.per_s) for side in sides}
    steady = {side.name: statistics.median(side.per_cpu_s) for side in sides}
    start = {side.name: percentile(side.start_ms, 50) for side in sides}
    fork, simple = "stock Worker, a row", "stock SimpleWorker, a row"
    each, cost = "tasks/s", "tasks per CPU second"
    figures = []
    for name in OURS:
        title = f"manage.py {name}"
        figures += [
            Figure(f"{title}, {WORKERS} workers", speed[name], each, speed[fork], fork),
            Figure(f"{title}, steady", steady[name], cost, steady[fork], fork),
            Figure(f"{title}, steady", steady[name], cost, steady[simple], simple),
            Figure(f"{title}, idle: asked to started, p50", start[name], "ms", start[fork], fork),
            Figure(f"{title}, idle: asked to started, p50", start[name], "ms", start[simple], simple),
        ]
    for name in [name for name in speed if name not in OURS]:
        remark = f"{speed[name]:.0f} tasks/s; idle start {start[name]:.1f} ms"
        figures.append(Figure(f"{name}, {WORKERS} workers", steady[name], cost, None, "", (), remark))
    return figures


def one_round(side: Side, *, singles: int) -> None:
    redis.Redis.from_url(settings.REDIS_URL).flushdb()
    with workers(side) as processes:
        for _ in range(3):
            side.starts(side.push(WORKERS))
        for _ in range(singles):
            time.sleep(0.05)
            asked = time.time()
            [began] = side.starts(side.push(1))
            side.start_ms.append((began - asked) * 1000)
        with Cpu({"workers": processes, **servers.databases()}) as cpu:
            asked = time.time()
            ids = side.push(side.jobs)
            ended = max(side.starts(ids))
        side.per_s.append(side.jobs / (ended - asked))
        side.per_cpu_s.append(side.jobs / cpu.servers())


@contextmanager
def workers(side: Side) -> Iterator[list]:
    with ExitStack() as stack:
        yield [stack.enter_context(servers.started(*command)) for command in side.commands]


def push_tasks(count: int) -> list[str]:
    """Enqueue in one transaction; the bells ring after it."""
    with transaction.atomic():
        return [noop.enqueue().id for _ in range(count)]


def task_starts(ids: list[str]) -> list[float]:
    """Wait until all are completed; when each function began."""
    done = Task.objects.filter(pk__in=ids, status=Status.COMPLETED)
    wait_until(lambda: done.count() == len(ids), pause_s=0.002 if len(ids) == 1 else 0.05)
    return list(done.values_list("result", flat=True))


def stock_side(kind: str, function: str, jobs: int) -> Side:
    queue = Queue(f"stock-{kind}-{function}", connection=redis.Redis.from_url(settings.REDIS_URL))
    finished = FinishedJobRegistry(queue=queue)

    def push(count: int) -> list[str]:
        data = [Queue.prepare_data(FUNCTIONS[function], args=[number]) for number in range(count)]
        return [job.id for job in queue.enqueue_many(data)]

    def starts(ids: list[str]) -> list[float]:
        wanted = set(ids)
        wait_until(lambda: wanted <= set(finished.get_job_ids()), pause_s=0.002 if len(ids) == 1 else 0.05)
        return [job.return_value() for job in queue.job_class.fetch_many(ids, connection=queue.connection)]

    command = ("-m", "benchmarks.stock", kind, queue.name)
    title = f"stock {kind}, {'a row' if function == 'row' else 'bare'}"
    return Side(title, [command] * WORKERS, push, starts, jobs)


def wait_until(true: Callable[[], bool], *, pause_s: float) -> None:
    give_up = time.monotonic() + 120
    while not true():
        if time.monotonic() > give_up:
            raise RuntimeError("the workers do not finish their jobs")
        time.sleep(pause_s)


def asking(scale: Scale) -> list[Figure]:
    """`enqueue` beside its bare INSERT in the same transaction, and the bell that follows the commit."""
    values = ["benchmarks.noop", "default", 0, "", "", "{}", None, None, settings.TASK_RESEND_S, 3, 3600, None, None,
              None, ""]  # fmt: skip
    times: dict[str, list[float]] = {"enqueue": [], "insert": [], "ring": []}

    def clocked(name: str, call: Callable[[], object]) -> None:
        started = time.perf_counter()
        call()
        times[name].append((time.perf_counter() - started) * 1000)

    def insert() -> None:
        with connection.cursor() as cursor:
            cursor.execute(store.INSERT, values)
            cursor.fetchone()

    for _ in range(scale.of(300, 60)):
        with transaction.atomic():
            clocked("enqueue", noop.enqueue)
            clocked("insert", insert)
            task_id = noop.enqueue().id
            transaction.get_connection().run_on_commit.clear()
        clocked("ring", lambda task_id=task_id: bell.ring([bell.Ring(task_id, "default", 0, 300)]))
    p50 = {name: percentile(found, 50) for name, found in times.items()}
    return [
        Figure("enqueue in a transaction, p50", p50["enqueue"], "ms", p50["insert"], "the bare INSERT"),
        Figure("the bell after the commit, p50", p50["ring"], "ms", p50["insert"], "the bare INSERT"),
    ]
