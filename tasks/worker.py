"""The RQ side: a job that is nothing but a bell, and a worker whose work-horse answers it from PostgreSQL."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from redis.exceptions import RedisError
from rq import Worker
from rq.job import Job
from rq.queue import Queue
from rq.serializers import JSONSerializer
from rq.worker import WorkerStatus

from base.startup import refuse_unsafe_start
from tasks import bell
from tasks.horse import Horse

logger = logging.getLogger(__name__)
STOP_GRACE_S = 25.0  # a stopping worker lets its task finish for so long, then hands it back
HEARTBEAT_S = 15.0


class RefusedJob(Exception):
    """A job in Redis that is not a bell. Whoever can write to Redis must not be able to run code here."""


class TaskJob(Job):
    """A bell. Refuses every function, callback and argument; nothing in a job is ever imported or called."""

    @property
    def func(self) -> Any:
        raise RefusedJob(f"refused to call the job {self.id}")

    @property
    def success_callback(self) -> None:  # type: ignore[override]
        return None

    @property
    def failure_callback(self) -> None:  # type: ignore[override]
        return None

    @property
    def stopped_callback(self) -> None:  # type: ignore[override]
        return None


def is_bell(job: Job) -> bool:
    try:
        return job.func_name == bell.ENTRY and job.instance is None and not job.args and not job.kwargs
    except Exception:  # its data cannot even be read
        return False


class TaskWorker(Worker):
    """RQ's worker, registered and stopped as every RQ worker is, with one work-horse that outlives its jobs."""

    job_class = TaskJob
    max_connection_wait_time = 2.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["job_class"] = TaskJob
        kwargs["serializer"] = JSONSerializer  # rqworker's own default is pickle, which runs code
        kwargs["name"] = kwargs.get("name") or f"{socket.gethostname()}.{os.getpid()}.{secrets.token_hex(2)}"
        kwargs["log_job_description"] = False
        super().__init__(*args, **kwargs)
        self.horse = Horse(self.queue_names(), name=self.name)
        self._beat_at = 0.0
        self._teller: threading.Thread | None = None

    def work(self, *args: Any, **kwargs: Any) -> bool:
        refuse_unsafe_start()
        self.horse.start()
        try:
            return super().work(*args, **kwargs)
        except SystemExit:  # a second signal
            self.horse.stop(now=True)
            raise
        finally:
            self.horse.stop(grace_s=STOP_GRACE_S)

    def bootstrap(self, *args: Any, **kwargs: Any) -> None:
        super().bootstrap(*args, **kwargs)
        bell.ring(self.queue_names()[0])  # what is due already may have no bell

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Answer a bell: the work-horse runs what is due in PostgreSQL, in whatever queue of ours it is."""
        if is_bell(job):
            self._state = WorkerStatus.BUSY  # a signal now stops after the task; Redis learns of it with the next beat
            self.horse.go()
            self._forget(job, queue)
            self.horse.wait(tick=self._tick, stopping=lambda: self._stop_requested, grace_s=STOP_GRACE_S)
        else:
            logger.error("refused a job that is not a bell", extra={"job": job.id})
            self._forget(job, queue)

    def _forget(self, job: Job, queue: Queue) -> None:
        try:
            with self.connection.pipeline() as pipeline:
                pipeline.delete(job.key)
                pipeline.lrem(queue.intermediate_queue_key, 1, job.id)
                pipeline.execute()
        except (RedisError, OSError) as error:  # it is used up all the same, and its life is short
            logger.debug("worker could not tell redis: %s", type(error).__name__)

    def _tick(self) -> None:
        if time.monotonic() - self._beat_at > HEARTBEAT_S:
            self._beat_at = time.monotonic()
            self._tell_redis(self._show_busy)

    def _show_busy(self) -> None:
        self.set_state(WorkerStatus.BUSY)
        self.heartbeat()

    def set_shutdown_requested_date(self) -> None:
        self._tell_redis(super().set_shutdown_requested_date)

    def _tell_redis(self, tell: Callable[[], Any]) -> None:
        """Beside the watch over the horse, which must not wait for a Redis that is away or hangs."""

        def attempt() -> None:
            try:
                tell()
            except (RedisError, OSError) as error:
                logger.debug("worker could not tell redis: %s", type(error).__name__)

        if self._teller is None or not self._teller.is_alive():
            self._teller = threading.Thread(target=attempt, name="teller", daemon=True)
            self._teller.start()
