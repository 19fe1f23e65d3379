"""Wake workers through RQ. A bell says "there is work in this queue", not which; one that is lost costs time only."""

from __future__ import annotations

import functools
import logging
import threading
import time
import uuid

import django_rq
import redis
from django.conf import settings
from django.db import transaction
from prometheus_client import Counter
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue

logger = logging.getLogger(__name__)
ENTRY = "tasks.worker.ring"
RING_TIMEOUT_S = 0.08  # a request waits this long for Redis, once, and not at all while it is known to be away
AWAY_S = 2.0
ENOUGH = 32  # bells waiting in one queue: more would wake nobody sooner
BELL_TTL_S = 3_600

failures = Counter("millrace_wake_up_failures", "Wake-ups that Redis did not take; the relay sends them again.")
_away_until = 0.0
_asked = threading.local()


@functools.cache
def _queue(name: str) -> Queue:
    """An RQ queue on a connection that fails fast. Cached: django-rq opens a new pool for every queue it returns."""
    config = settings.RQ_QUEUES[name]
    connection = redis.Redis(
        host=config["HOST"],
        port=config["PORT"],
        db=config["DB"],
        username=config["USERNAME"],
        password=config["PASSWORD"],
        ssl=config["SSL"],
        socket_connect_timeout=RING_TIMEOUT_S,
        socket_timeout=RING_TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
    )
    return django_rq.get_queue(name, connection=connection)


def quick_connection() -> redis.Redis:
    """Redis for a look that must not make anybody wait."""
    return _queue(settings.QUEUES[0]).connection


def ring_on_commit(queue_name: str, *, times: int = 1) -> None:
    """Ring once for each new task when the transaction commits; the calls of one transaction share their bells."""
    waiting = _asked.__dict__.setdefault("waiting", {})
    waiting[queue_name] = waiting.get(queue_name, 0) + times  # what a rolled back transaction leaves rings too often
    transaction.on_commit(_ring_what_waits, robust=True)


def _ring_what_waits() -> None:
    global _away_until
    waiting, _asked.waiting = getattr(_asked, "waiting", None), {}
    if not waiting:
        return
    if time.monotonic() >= _away_until:
        try:
            for queue_name, times in waiting.items():
                ring(queue_name, times=times)
            return
        except (RedisError, OSError) as error:
            _away_until = time.monotonic() + AWAY_S
            logger.warning("wake-up failed, the relay will send it: %s", type(error).__name__)
    failures.inc()


def ring(queue_name: str, *, times: int = 1) -> int:
    """Put bells into an RQ queue, no more than are of use. Returns how many. Raises RedisError."""
    queue = _queue(queue_name)
    wanted = min(times, ENOUGH - queue.count)
    if wanted > 0:
        queue.enqueue_many(
            [Queue.prepare_data(ENTRY, job_id=f"bell-{uuid.uuid4().hex}", ttl=BELL_TTL_S, result_ttl=0, failure_ttl=0)
             for _ in range(wanted)]
        )  # fmt: skip
    return max(wanted, 0)
