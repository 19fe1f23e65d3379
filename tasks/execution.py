"""Run one attempt of a task: claim, call, finish. What makes it safe stands in tasks.store."""

from __future__ import annotations

import json
import logging
import os
import socket
import threading
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import DatabaseError, connection, transaction
from django_tasks.base import TaskContext as DjangoTaskContext
from rq.timeouts import JobTimeoutException

from base.context import acting
from tasks import backend, store
from tasks.definitions import TaskDefinition, registered
from tasks.errors import LeaseLost, PermanentError, TaskCancelled, is_permanent
from tasks.models import Attempt, Status, Task

logger = logging.getLogger(__name__)
MAX_RESULT_BYTES = 256 * 1024
UNKNOWN_NAME_WAIT_S = 60
WORKER_TIMEOUTS = """
SET statement_timeout = '30s'; SET lock_timeout = '10s'; SET idle_in_transaction_session_timeout = '120s'
"""


class ResultTooLarge(PermanentError):
    """A result is JSON of at most 256 KiB; larger things belong in rows or files that the result names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskContext(DjangoTaskContext):
    """What a task that `takes_context` can do besides its work."""

    claim: store.Claim
    pulse: Pulse

    @property
    def task_id(self) -> str:
        return self.claim.id

    def progress(self, percent: float, message: str = "") -> None:
        """Show how far the work is, 0–100. Raises TaskCancelled or LeaseLost when it should stop."""
        self.pulse.progress = max(0, min(100, int(percent)))
        self.pulse.message = message
        self.pulse.beat_now()
        self.pulse.check()

    def fence(self) -> None:
        """Call last in each transaction of a non-atomic task: it commits only while this attempt holds the lease."""
        if not store.fence(self.claim):
            raise LeaseLost
        self.pulse.check()


@dataclass
class Pulse:
    """Renews the lease from a thread of its own, with a connection of its own that opens only if it is needed."""

    claim: store.Claim
    progress: int = 0
    message: str = ""
    cancelled: bool = False
    lost: bool = False
    _stop: bool = False
    _wake: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _last: float = 0.0

    def __enter__(self) -> Pulse:
        self._last = time.monotonic()
        self._thread = threading.Thread(target=self._beat, name="pulse", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stop = True
        self._wake.set()
        if self._thread:
            self._thread.join(timeout=5)

    def beat_now(self) -> None:
        """Write progress soon; at most twice a second."""
        if time.monotonic() - self._last > 0.5:
            self._wake.set()

    def check(self) -> None:
        if self.lost:
            raise LeaseLost
        if self.cancelled:
            raise TaskCancelled

    def _beat(self) -> None:
        try:
            while not self._stop:
                self._wake.wait(timeout=settings.TASK_LEASE_S / 3)
                self._wake.clear()
                if not self._stop:
                    self._renew()
        finally:
            connection.close()

    def _renew(self) -> None:
        self._last = time.monotonic()
        try:
            answer = store.renew(self.claim, progress=self.progress, message=self.message)
        except DatabaseError:
            logger.warning("could not renew the lease of %s", self.claim.id)
            connection.close()
            return
        self.lost = answer is None
        self.cancelled = bool(answer)


def worker_name(pid: int) -> str:
    """Which process runs an attempt: host and process id."""
    return f"{socket.gethostname()}:{pid}"


def run_task(task_id: str) -> None:
    """Run the task if it is there, due and unclaimed; else do nothing, so a second delivery is harmless."""
    with connection.cursor() as cursor:
        cursor.execute(WORKER_TIMEOUTS)
    claim = store.claim(task_id, worker=worker_name(os.getpid()))
    if claim is None:
        return
    with acting(
        correlation_id=claim.correlation_id or claim.id, actor=f"task:{claim.name}", user_id=claim.requested_by_id
    ):
        definition = registered(claim.name)
        if definition is None:
            _put_back_unknown(claim)
            return
        started = time.monotonic()
        try:
            _attempt(claim, definition)
        except LeaseLost:
            logger.warning("lost the lease of %s; another attempt decides", claim.id)
            return
        except TaskCancelled:
            store.end(claim, status=Status.CANCELLED, outcome=Attempt.Outcome.CANCELLED)
            return
        except (Exception, JobTimeoutException) as error:
            _note_failure(claim, definition, error)
            return
        logger.info("task completed", extra={"task": claim.name, "seconds": round(time.monotonic() - started, 3)})


def _attempt(claim: store.Claim, definition: TaskDefinition) -> None:
    with Pulse(claim) as pulse:
        args = [_context(claim, definition, pulse)] if definition.takes_context else []
        if definition.atomic:
            with transaction.atomic():
                _finish(claim, definition.func(*args, **claim.kwargs))
        else:
            value = definition.func(*args, **claim.kwargs)
            with transaction.atomic():
                _finish(claim, value)


def _context(claim: store.Claim, definition: TaskDefinition, pulse: Pulse) -> TaskContext:
    row = Task.objects.prefetch_related("attempts").get(pk=claim.id)
    return TaskContext(task_result=backend.result_of(row, definition), claim=claim, pulse=pulse)


def _finish(claim: store.Claim, value: Any) -> None:
    """Store the result in the transaction of the effect; with the lease lost both roll back."""
    result = json.dumps(value, cls=DjangoJSONEncoder, allow_nan=False)
    if len(result.encode()) > MAX_RESULT_BYTES:
        raise ResultTooLarge(f"result_too_large: {len(result)} characters")
    if not store.end(claim, status=Status.COMPLETED, outcome=Attempt.Outcome.COMPLETED, result=result):
        raise LeaseLost


def _note_failure(claim: store.Claim, definition: TaskDefinition, error: BaseException) -> None:
    with suppress(DatabaseError):
        if connection.in_atomic_block or not connection.is_usable():
            connection.close()
    last = is_permanent(error) or claim.attempt >= claim.max_attempts
    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    logger.warning(
        "task attempt failed", extra={"task": claim.name, "attempt": claim.attempt, "error": kind, "final": last}
    )
    trace = "".join(traceback.format_exception(error))[-20_000:].replace("\x00", "")
    message = str(error)[:2_000].replace("\x00", "")
    store.end(
        claim,
        status=Status.FAILED if last else Status.PENDING,
        outcome=Attempt.Outcome.ERROR,
        error=(kind, message, trace),
        wait_s=0 if last else definition.backoff_s(claim.attempt),
    )


def _put_back_unknown(claim: store.Claim) -> None:
    """A name this release does not know may belong to the next one: leave it to a newer worker for a while."""
    error = ("UnknownTask", f"No task is named {claim.name} in this release.", "")
    last = claim.attempt >= claim.max_attempts
    store.end(
        claim,
        status=Status.FAILED if last else Status.PENDING,
        outcome=Attempt.Outcome.ERROR,
        error=error,
        wait_s=UNKNOWN_NAME_WAIT_S,
    )
