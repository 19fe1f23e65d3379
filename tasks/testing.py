"""For the tests of a domain: run its tasks in place, make an attempt fail, and let time pass, all on the real rows.

def test_a_filed_report_is_triaged():
    report = file_report(...)
    assert run_due() == 1
    assert Report.objects.get().category
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection

from tasks import claims, store
from tasks.definitions import TaskDefinition, TemporaryError, registered
from tasks.execution import run_claim, worker_name
from tasks.models import PeriodicRun, Schedule, Task
from tasks.pulse import Pulse

__all__ = ["advance", "failing", "run_due"]
MOST = 1_000


def run_due(*queues: str) -> int:
    """Run what is due here and now, and what that enqueues, as a worker would. Returns how many attempts ran.

    Pauses, limits, priorities, retries and dead letters are the real ones; only the process is the test's own.
    """
    ran = 0
    pulse = Pulse()
    try:
        while claim := claims.claim_next(queues or settings.QUEUES, worker=worker_name()):
            if completion := run_claim(claim, pulse):
                store.complete(completion)
            ran += 1
            if ran > MOST:
                raise RuntimeError(f"more than {MOST} attempts: do these tasks enqueue themselves?")
    finally:
        pulse.close()
    return ran


@contextmanager
def failing(task: TaskDefinition, *, attempts: int | tuple[int, ...] = 1, error: Exception | None = None,
            after: bool = False) -> Iterator[None]:  # fmt: skip
    """Make these attempts of a task fail (numbers from 1; a plain n means the first n).

    error: what is raised; a TemporaryError if not given. after: raised when the function has done its work.
    """
    failing_numbers = range(1, attempts + 1) if isinstance(attempts, int) else attempts
    definition = registered(task.name)
    if definition is None:
        raise LookupError(task.name)
    function = definition.func

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        fails = _attempt_number() in failing_numbers
        if fails and not after:
            raise error or TemporaryError("made to fail")
        value = function(*args, **kwargs)
        if fails:
            raise error or TemporaryError("made to fail")
        return value

    object.__setattr__(definition, "func", wrapped)
    wrapped.__module__, wrapped.__name__ = function.__module__, function.__name__
    try:
        yield
    finally:
        object.__setattr__(definition, "func", function)


def _attempt_number() -> int:
    """Of the attempt this process runs now."""
    row = Task.objects.filter(status="processing", worker=worker_name()).values_list("attempt", flat=True).get()
    return row


BY = "make_interval(secs => %(by)s)"
TIMES = {
    Task: ["created_at", "run_after", "started_at", "attempt_started_at", "completed_at", "lease_until",
           "cancel_requested_at"],
    Schedule: ["last_slot", "next_slot", "paused_at"],
    PeriodicRun: ["slot"],
}  # fmt: skip
ADVANCE = [
    f"UPDATE {model._meta.db_table} SET " + ", ".join(f"{column} = {column} - {BY}" for column in columns)
    for model, columns in TIMES.items()
]


def advance(by: timedelta) -> None:
    """Let time pass for all tasks: backoffs end, leases run out, results grow old. Time is data; nobody sleeps."""
    with connection.cursor() as cursor:
        for statement in ADVANCE:
            cursor.execute(statement, {"by": by.total_seconds()})
