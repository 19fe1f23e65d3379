"""Claims and the relay where there is much: a million ended tasks, many waiting, a transaction that never ends."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any

import psutil
import psycopg2
import redis
from django.conf import settings
from django.db import connection
from rq import Queue

from benchmarks import many_tasks, servers
from benchmarks.measure import Figure, Scale, at_most, percentile
from benchmarks.tasks import noop
from tasks import bell, claims, store
from tasks.execution import prepare_connection
from tasks.relay import relay

AT_ONCE = 300  # claims that are measured together
WORSE = at_most(3, of_floor=True)


def measure(scale: Scale) -> list[Figure]:
    prepare_connection()
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")  # the disk's mood is not the question here
    return [*claiming(scale), *held_back(scale), *relaying(scale)]


def take_and_end() -> tuple[float, float]:
    """Claim one task and complete it. Milliseconds of both."""
    started = time.perf_counter()
    claim = claims.claim_next(settings.QUEUES, worker="bench:1")
    between = time.perf_counter()
    if claim is None or not store.end(claim, status="completed", outcome="completed", result="1"):
        raise RuntimeError("nothing was there to claim")
    return (between - started) * 1000, (time.perf_counter() - between) * 1000


@dataclass(frozen=True, slots=True)
class Cost:
    """Milliseconds: medians of a claim and of an end; the processor time that PostgreSQL took for both."""

    claim: float
    end: float
    cpu: float


def cost(times: int = AT_ONCE) -> Cost:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = psutil.Process(cursor.fetchone()[0])
    before = backend.cpu_times()
    claimed, ended = zip(*(take_and_end() for _ in range(times)), strict=True)
    now = backend.cpu_times()
    seconds = now.user + now.system - before.user - before.system
    return Cost(median(claimed), median(ended), 1000 * seconds / times)


def worse(what: str, now: Cost, then: Cost, when: str, remark: str = "") -> list[Figure]:
    return [
        Figure(f"claim, {what}", now.claim, "ms", then.claim, when, (WORSE,), remark),
        Figure(f"end, {what}", now.end, "ms", then.end, when, (WORSE,)),
        Figure(f"both, {what}", now.cpu, "ms of PostgreSQL CPU", then.cpu, when, (WORSE,)),
    ]


def claiming(scale: Scale) -> list[Figure]:
    """A claim in a nearly empty table, then as the table fills with what it must not look at."""
    many, waiting = scale.of(1_000_000, 50_000), scale.of(100_000, 5_000)
    many_tasks.forget()
    many_tasks.waiting(3 * AT_ONCE)
    cost(AT_ONCE // 2)
    few = cost()
    many_tasks.forget()
    many_tasks.ended(many)
    many_tasks.waiting(waiting)
    cost(AT_ONCE // 2)
    full, seen = cost(), plan()
    for priority in (10, 20, 30):
        many_tasks.waiting(waiting // 3, in_s=86_400, priority=priority)
    cost(AT_ONCE // 2)
    deferred, nearly = cost(), "in a table of few"
    return [
        *worse(f"{many:,} ended, {waiting:,} pending", full, few, nearly, seen),
        *worse(f"and {waiting:,} more urgent ones deferred", deferred, few, nearly, plan()),
    ]


INNER = """
SELECT t.id FROM tasks_task t
WHERE t.status = 'pending' AND t.queue_name = 'default' AND t.run_after <= statement_timestamp() AND t.name = ANY(%s)
ORDER BY t.priority DESC, t.run_after LIMIT 1 FOR UPDATE SKIP LOCKED
"""


def plan() -> str:
    """What the look inside a claim read."""
    names = claims._values()["names"]
    with connection.cursor() as cursor:
        cursor.execute("BEGIN; SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off")
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {INNER}", [names])
        node: Any = cursor.fetchone()[0]
        cursor.execute("ROLLBACK")
    if isinstance(node, str):
        node = json.loads(node)
    took = node[0]["Execution Time"]
    node = node[0]["Plan"]
    pages = node["Shared Hit Blocks"] + node["Shared Read Blocks"]
    while "Plans" in node:
        node = node["Plans"][0]
    searches = node.get("Index Searches", "?")
    return f"{node.get('Index Name', node['Node Type'])}: {pages} pages, {searches} descents, {took:.2f} ms"


@contextmanager
def old_transaction() -> Iterator[None]:
    """Somebody's report over everything: nothing that ends meanwhile can be vacuumed."""
    other = psycopg2.connect(**connection.get_connection_params())
    with other.cursor() as cursor:
        cursor.execute("SET idle_in_transaction_session_timeout = 0")
        other.commit()
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM tasks_control")
        yield
    other.close()


def held_back(scale: Scale) -> list[Figure]:
    """A claim after more and more tasks ran, none of whose dead rows and index entries can go."""
    parts, step = 5, scale.of(10_000, 1_000)
    many_tasks.forget()
    many_tasks.waiting(parts * (step + AT_ONCE) + 2 * AT_ONCE)
    cost()
    with old_transaction():
        first, found = cost(), []
        for _ in range(parts):
            for _ in range(step):
                take_and_end()
            found.append(cost())
        seen = plan()
    course = " → ".join(f"{one.claim:.2f}/{one.end:.2f}/{one.cpu:.2f}" for one in found)
    what, remark = f"{parts * step:,} run under an old transaction", f"each {step:,}: {course}; {seen}"
    return worse(what, found[-1], first, "before the first of them", remark)


def relaying(scale: Scale) -> list[Figure]:
    """Redis lost everything while many tasks wait: how long a pass of the relay takes, and how soon workers work."""
    waiting = scale.of(100_000, 20_000)
    many_tasks.forget()
    for queue in settings.QUEUES:
        many_tasks.waiting(waiting // len(settings.QUEUES), queue=queue)
    client = redis.Redis.from_url(settings.REDIS_URL)
    passes, rung = [], 0
    for _ in range(scale.of(20, 5)):
        client.flushdb()
        started = time.perf_counter()
        rung = relay()
        passes.append((time.perf_counter() - started) * 1000)
    bells = sum(Queue(name, connection=client).count for name in settings.QUEUES)
    memory = alone()
    busy = [until_busy(client) for _ in range(scale.of(5, 2))]
    name = f"relay, Redis emptied, {waiting:,} tasks wait"
    return [
        Figure(f"{name}: one pass, p50", median(passes), "ms", None, "", (at_most(100),),
               f"{rung} bells; at most {bell.ENOUGH} in each of {len(settings.QUEUES)} queues, found {bells}"),
        Figure(f"{name}: longest pass", max(passes), "ms", None, "", (at_most(1000),)),
        Figure(f"{name}: peak memory", memory[0], "MiB", memory[1], "before it", (at_most(1.2, of_floor=True),)),
        Figure(f"{name}: emptied to running, p50", percentile(busy, 50), "ms", None, "", (at_most(3_000),),
               "the scheduler rings each second"),
    ]  # fmt: skip


ALONE = """
import os, resource, django
django.setup()
from tasks.relay import relay
from django.db import connection
connection.ensure_connection()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
import redis
redis.Redis.from_url(os.environ["REDIS_URL"]).flushdb()
relay()
print(before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def alone() -> tuple[float, float]:
    """Peak memory in MiB of a process that relays once, after it and before it."""
    before, after = subprocess.run(
        [sys.executable, "-c", ALONE], check=True, capture_output=True, text=True
    ).stdout.split()
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return int(after) / unit, int(before) / unit


def until_busy(client: redis.Redis) -> float:
    """Milliseconds from an emptied Redis, with workers and scheduler at work, to the first of the tasks that began."""
    with servers.started("manage.py", "workers", "--num", "2"), servers.started("manage.py", "scheduler"):
        many_tasks.forget()
        noop.enqueue()
        wait_for("SELECT EXISTS (SELECT 1 FROM tasks_task WHERE name = 'benchmarks.noop' AND status = 'completed')")
        time.sleep(random.uniform(1, 2))  # anywhere between two passes of the relay
        started = time.time()
        client.flushdb()
        many_tasks.waiting(1_000, vacuumed=False)
        return (wait_for("SELECT extract(epoch FROM min(started_at))::float8 FROM tasks_task "
                         "WHERE name = 'benchmarks.noop' AND kwargs = '{}' AND run_after < now() - interval '30 min' "
                         "HAVING min(started_at) IS NOT NULL") - started) * 1000  # fmt: skip


def wait_for(query: str) -> Any:
    """The first value that is true."""
    give_up = time.monotonic() + 60
    while time.monotonic() < give_up:
        with connection.cursor() as cursor:
            cursor.execute(query)
            if (row := cursor.fetchone()) and row[0]:
                return row[0]
        time.sleep(0.02)
    raise RuntimeError(f"it never came: {query}")
