"""The clock of the house, on RQ's cron scheduler: relay, sweep, seal, and the periodic tasks.

Any number may run at once: every duty takes its rows with SKIP LOCKED, and a (periodic task, slot) row is unique.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import redis
from django.conf import settings
from django.db import connection
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq.cron import CronJob, CronScheduler
from rq.exceptions import StopRequested

from audit import heads
from audit import services as audit
from base.context import acting, new_correlation_id
from tasks import schedules
from tasks.relay import relay
from tasks.statistics import tally
from tasks.sweep import clean, sweep
from tasks.webhooks import dispatch as webhooks

logger = logging.getLogger(__name__)
RELAY_EVERY_S, SWEEP_EVERY_S, SEAL_EVERY_S, TALLY_EVERY_S, CLEAN_EVERY_S, DECLARE_EVERY_S = 1, 5, 5, 5, 60, 600
SIGN_EVERY_S, SEAL_LATE_EVERY_S = 60, 600


class Duty(CronJob):
    """A cron job that is done in the scheduler's own process instead of being sent to Redis."""

    def enqueue(self, connection_: Any) -> None:  # type: ignore[override]
        try:
            with acting(actor="scheduler", correlation_id=new_correlation_id()):
                if self.func:
                    self.func()
        except Exception:  # one duty's fault must not end the others
            logger.exception("duty %s failed; it is tried again", self.name)
            connection.close()


class Scheduler(CronScheduler):
    """RQ's scheduler, registered in Redis for all to see, but able to work while Redis is away."""

    busy = stopping = False

    def enqueue_jobs(self) -> list[CronJob]:
        """Do what is due. A signal waits for its end: raised inside, some `except Exception` might swallow it."""
        self.busy = True
        try:
            return super().enqueue_jobs()
        finally:
            self.busy = False
            if self.stopping:
                raise StopRequested

    def _request_stop(self, signum: int, frame: Any) -> None:
        self.stopping = True
        if not self.busy:
            super()._request_stop(signum, frame)

    def add(self, func: Callable[[], Any], interval_s: int, name: str) -> None:
        self._cron_jobs.append(Duty(queue_name="-", func=func, interval=interval_s, name=name))

    def register_birth(self) -> None:
        self._tell_redis(super().register_birth)

    def register_death(self, pipeline: Any = None) -> None:
        self._tell_redis(super().register_death)

    def heartbeat(self) -> None:
        self._tell_redis(super().heartbeat)

    def save(self, pipeline: Any = None) -> None:
        self._tell_redis(super().save)

    def _tell_redis(self, tell: Callable[[], Any]) -> None:
        try:
            tell()
        except (RedisError, OSError) as error:
            logger.debug("scheduler could not tell redis: %s", type(error).__name__)


def build() -> Scheduler:
    """A scheduler with every duty and periodic task of the installed apps."""
    client = redis.Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=1, socket_timeout=1, retry=Retry(NoBackoff(), 0)
    )
    scheduler = Scheduler(connection=client, logging_level=logging.WARNING)
    scheduler.add(relay, RELAY_EVERY_S, "relay")
    scheduler.add(sweep, SWEEP_EVERY_S, "sweep")
    scheduler.add(audit.seal, SEAL_EVERY_S, "seal audit trail")
    scheduler.add(audit.seal_late, SEAL_LATE_EVERY_S, "seal late audit entries")
    scheduler.add(heads.sign, SIGN_EVERY_S, "sign audit head")
    scheduler.add(tally, TALLY_EVERY_S, "tally")
    scheduler.add(clean, CLEAN_EVERY_S, "clean up")
    scheduler.add(webhooks.dispatch, 1, "send webhooks")
    scheduler.add(webhooks.clean, CLEAN_EVERY_S, "clean up webhooks")
    scheduler.add(schedules.declare, DECLARE_EVERY_S, "declare periodic tasks")
    scheduler.add(schedules.enqueue_due, 1, "periodic tasks")
    return scheduler
