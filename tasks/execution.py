"""Run one attempt of a task: call, finish, or note why not. What makes it safe stands in tasks.store."""

from __future__ import annotations

import json
import logging
import os
import socket
import time
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import Error, InterfaceError, OperationalError, connection, transaction
from django_tasks.base import TaskContext as DjangoTaskContext
from psycopg2.extensions import TRANSACTION_STATUS_IDLE

from base.context import acting
from tasks import backend, claims, store
from tasks.definitions import TaskDefinition, registered
from tasks.errors import LeaseLost, PermanentError, TaskCancelled, TaskTimeout, TemporaryError, is_permanent
from tasks.models import Attempt, Status, Task
from tasks.pulse import Pulse, Run

logger = logging.getLogger(__name__)
MAX_RESULT_BYTES = 256 * 1024
WORKER_TIMEOUTS = """
SET statement_timeout = '30s'; SET lock_timeout = '10s'; SET idle_in_transaction_session_timeout = '120s'
"""
Guard = Callable[[Run], AbstractContextManager[Any]]


class ResultTooLarge(PermanentError):
    """A result is JSON of at most 256 KiB; larger things belong in rows or files that the result names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskContext(DjangoTaskContext):
    """What a task that `takes_context` can do besides its work."""

    run: Run
    pulse: Pulse

    @property
    def task_id(self) -> str:
        return self.run.claim.id

    def progress(self, percent: float, message: str = "") -> None:
        """Show how far the work is, 0–100. Raises TaskCancelled or LeaseLost when it should stop."""
        self.run.progress = max(0, min(100, int(percent)))
        self.run.message = storable(message)
        self.pulse.show(self.run)
        self.run.check()

    def fence(self) -> None:
        """Call last in each transaction of a non-atomic task: it commits only while this attempt holds the lease."""
        if not store.fence(self.run.claim):
            raise LeaseLost
        self.run.check()


def worker_name() -> str:
    """Which process runs an attempt: host and process id."""
    return f"{socket.gethostname()}:{os.getpid()}"


def prepare_connection() -> None:
    """Give this process the timeouts of a worker, which are longer than a request's."""
    with connection.cursor() as cursor:
        cursor.execute(WORKER_TIMEOUTS)


def run_task(task_id: str) -> None:
    """Run one task here and now if it is due and unclaimed; else do nothing."""
    claim = claims.claim(task_id, worker=worker_name())
    if claim is None:
        return
    pulse = Pulse()
    try:
        if completion := run_claim(claim, pulse):
            store.complete(completion)
    finally:
        pulse.close()


def run_claim(claim: store.Claim, pulse: Pulse, guard: Guard = lambda run: nullcontext()) -> store.Completion | None:
    """Run a claimed attempt to its end, whatever it is. Raises only what ends the process.

    Returns a completion that the caller must write, where the task left nothing in its transaction; else None.

    guard: holds while the task's own function runs, and may raise TaskTimeout, TaskCancelled or LeaseLost in it.
    """
    definition = registered(claim.name)
    if definition is None:  # only known names are claimed
        raise LookupError(claim.name)
    with acting(
        correlation_id=claim.correlation_id or claim.id, actor=f"task:{claim.name}", user_id=claim.requested_by_id
    ):
        started = time.monotonic()
        try:
            completion = _attempt(claim, definition, pulse, guard)
        except LeaseLost:
            logger.warning("lost the lease of %s; another attempt decides", claim.id)
        except TaskCancelled:
            _close(claim, status=Status.CANCELLED, outcome=Attempt.Outcome.CANCELLED)
        except (Exception, TaskTimeout) as error:
            _note_failure(claim, definition, error)
        else:
            seconds = round(time.monotonic() - started, 3)
            logger.info("task completed", extra={"task": claim.name, "seconds": seconds})
            return completion
        finally:
            pulse.finish()
    return None


def _attempt(claim: store.Claim, definition: TaskDefinition, pulse: Pulse, guard: Guard) -> store.Completion | None:
    run = pulse.begin(claim)
    args = [_context(run, definition, pulse)] if definition.takes_context else []
    if definition.atomic:
        with transaction.atomic():
            with guard(run):
                value = definition.func(*args, **claim.kwargs)
            completion = store.Completion(claim, _as_json(value))
            if _in_transaction():
                if not store.complete(completion):
                    raise LeaseLost
                return None
        return completion
    with guard(run):
        value = definition.func(*args, **claim.kwargs)
    return store.Completion(claim, _as_json(value))


def _in_transaction() -> bool:
    """Whether the task sent the database anything: a transaction begins with its first statement."""
    raw = connection.connection
    return raw is not None and raw.info.transaction_status != TRANSACTION_STATUS_IDLE


def _context(run: Run, definition: TaskDefinition, pulse: Pulse) -> TaskContext:
    row = Task.objects.prefetch_related("attempts").get(pk=run.claim.id)
    return TaskContext(task_result=backend.result_of(row, definition), run=run, pulse=pulse)


def _as_json(value: Any) -> str:
    result = json.dumps(value, cls=DjangoJSONEncoder, allow_nan=False)
    if len(result.encode()) > MAX_RESULT_BYTES:
        raise ResultTooLarge(f"result_too_large: {len(result)} characters")
    return result


def _note_failure(claim: store.Claim, definition: TaskDefinition, error: BaseException) -> None:
    if isinstance(error, OperationalError | InterfaceError) and not connection.is_usable():
        _hand_back(claim)
        return
    last = is_permanent(error) or claim.is_last
    late = isinstance(error, TaskTimeout)
    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    logger.warning(
        "task attempt failed", extra={"task": claim.name, "attempt": claim.attempt, "error": kind, "final": last}
    )
    trace = storable("".join(traceback.format_exception(error))[-20_000:])
    message = f"ran longer than {claim.timeout_s} s" if late else storable(error)[:2_000]
    asked = error.retry_after_s if isinstance(error, TemporaryError) else None
    _close(
        claim,
        status=Status.FAILED if last else Status.PENDING,
        outcome=Attempt.Outcome.TIMED_OUT if late else Attempt.Outcome.ERROR,
        error=(kind, message, trace),
        wait_s=0 if last else definition.backoff_s(claim.attempt) if asked is None else asked,
    )


def storable(text: object) -> str:
    """What PostgreSQL can keep of a text, or of an exception's own words: no NUL, no half character."""
    try:
        return str(text).replace("\x00", "").encode("utf-8", "replace").decode()
    except Exception as error:
        return f"(no text: {type(error).__name__})"


def _close(claim: store.Claim, **outcome: Any) -> None:
    """End the attempt outside the transaction of its effect, which has rolled back."""
    try:
        store.end(claim, **outcome)
    except (OperationalError, InterfaceError):
        _hand_back(claim)


def _hand_back(claim: store.Claim) -> None:
    """PostgreSQL went away under the task, which is not its fault. Past the lease the sweeper decides."""
    give_up = time.monotonic() + settings.TASK_LEASE_S
    while time.monotonic() < give_up:
        connection.close()
        try:
            if store.hand_back(claim=claim, reason="The connection to PostgreSQL was lost."):
                logger.warning("handed back %s after losing PostgreSQL", claim.id)
            return
        except Error:
            time.sleep(0.5)
