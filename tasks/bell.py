"""Wake the workers through RQ. A ring that fails costs time only: the relay rings again."""

from __future__ import annotations

import functools
import logging
import time
from dataclasses import dataclass

import django_rq
import redis
from django.conf import settings
from django.db import transaction
from prometheus_client import Counter
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue

from tasks import store

logger = logging.getLogger(__name__)
ENTRY = "tasks.worker.run"
RING_TIMEOUT_S = 0.08  # a request waits this long for Redis, once, and not at all while it is known to be away
AWAY_S = 2.0

failures = Counter("millrace_wake_up_failures", "Wake-ups that Redis did not take; the relay sends them again.")
_away_until = 0.0


@dataclass(frozen=True, slots=True)
class Ring:
    """ "Look at this task": `number` counts the rings for it, `timeout_s` bounds the attempt it starts."""

    task_id: str
    queue_name: str
    number: int
    timeout_s: int


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


def ring_on_commit(call: Ring) -> None:
    transaction.on_commit(lambda: _ring_or_leave_to_relay(call), robust=True)


def _ring_or_leave_to_relay(call: Ring) -> None:
    global _away_until
    if time.monotonic() >= _away_until:
        try:
            ring([call])
            return
        except (RedisError, OSError) as error:
            _away_until = time.monotonic() + AWAY_S
            logger.warning("wake-up failed, the relay will send it: %s", type(error).__name__)
    failures.inc()
    store.resend_soon([call.task_id])


def ring(calls: list[Ring]) -> None:
    """Push one RQ job for each call, a pipeline for each queue. Raises RedisError."""
    by_queue: dict[str, list] = {}
    for call in calls:
        data = Queue.prepare_data(
            ENTRY,
            args=[call.task_id],
            job_id=f"{call.task_id}-{call.number}",
            timeout=call.timeout_s,
            result_ttl=60,
            failure_ttl=3600,
        )
        by_queue.setdefault(call.queue_name, []).append(data)
    for queue_name, batch in by_queue.items():
        _queue(queue_name).enqueue_many(batch)


def depth(queue_name: str) -> int:
    """How many rings wait in Redis. Raises RedisError."""
    return _queue(queue_name).count
