"""Every change of a task's state, as one statement each. The database decides all races, and its clock is the clock.

insert → claim → renew* → end | hand_back; `expire`, `stopped` and `crashed` take tasks from workers that are gone.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from base import statements
from tasks.definitions import TaskDefinition

MAX_CRASHES = 3
NO_ERROR = ("", "", "")
MAX_HANDED_BACK = 20  # further ones count: a task that breaks its own connection must end too


@dataclass(frozen=True, slots=True)
class Stored:
    id: str
    created_at: datetime
    is_new: bool
    due: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to run one attempt. Only the holder of the row's `token` may write."""

    id: str
    name: str
    kwargs: dict[str, Any]
    attempt: int
    token: int
    is_last: bool
    timeout_s: int
    requested_by_id: int | None
    correlation_id: str
    queue_name: str
    run_after: datetime


COLUMNS = """
  (name, queue_name, priority, status, subject_type, subject_id, run_after, max_attempts, timeout_s,
   result_ttl_s, unique_key, coalesce_key, requested_by_id, correlation_id, webhook_id, kwargs,
   progress, progress_message, error_type, error_message, error_traceback, attempt, worker, crashes, handed_back,
   lease_token)
"""
# Due from the moment of the row, not of its transaction: rows of one burst differ, and a claim can begin among them.
FRESH = "0, '', '', '', '', 0, '', 0, 0, 0"
# The share lock holds back the waiting task's first attempt until the caller commits, so it sees the caller's rows.
INSERT = f"""
WITH added AS (
  INSERT INTO tasks_task {COLUMNS}
  VALUES ($1::text, $2::text, $3::int, 'pending', $4::text, $5::text, coalesce($6::timestamptz, clock_timestamp()),
    $7::int, $8::int, $9::int, $10::text, $11::text, $12::bigint, $13::text, $14::uuid, $15::jsonb, {FRESH})
  ON CONFLICT DO NOTHING
  RETURNING id, created_at, run_after <= clock_timestamp() AS due
), known AS (
  SELECT id, created_at FROM tasks_task
  WHERE (unique_key = $10::text AND status IN ('pending', 'processing')
      OR coalesce_key = $11::text AND status = 'pending' AND attempt = 0)
    AND NOT EXISTS (SELECT FROM added)
  LIMIT 1 FOR SHARE
)
SELECT id::text, created_at, true, due FROM added UNION ALL SELECT id::text, created_at, false, true FROM known
"""
INSERT_MANY = f"""
INSERT INTO tasks_task {COLUMNS}
SELECT %s, %s, %s, 'pending', %s, %s, coalesce(%s, clock_timestamp()), %s, %s, %s, %s, %s, %s, %s,
  %s, kwargs, {FRESH}
FROM jsonb_array_elements(%s::jsonb) WITH ORDINALITY AS one(kwargs, number) ORDER BY number
RETURNING id::text
"""


def _values(task: TaskDefinition, requested_by_id: int | None, correlation_id: str) -> list[Any]:
    subject_type, subject_id = task.subject
    return [task.name, task.queue_name, task.priority, subject_type, str(subject_id), task.run_after,
            task.max_attempts, task.timeout_s, task.result_ttl_s, task.unique_key, task.coalesce_key,
            requested_by_id, correlation_id, task.webhook_id]  # fmt: skip


def insert(task: TaskDefinition, kwargs: str, *, requested_by_id: int | None, correlation_id: str) -> Stored:
    """Add a pending task, or return the one that its unique or coalesce key already names."""
    values = [*_values(task, requested_by_id, correlation_id), kwargs]
    # Without a key nothing conflicts. With one, the other task may begin or end meanwhile, or be younger than what
    # the statement sees: try again.
    for _ in range(10):
        with transaction.atomic(savepoint=False), connection.cursor() as cursor:
            statements.execute(cursor, INSERT, values)
            if row := cursor.fetchone():
                return Stored(*row)
    raise RuntimeError(f"could not store {task.name}: its key changed hands ten times")


def insert_many(task: TaskDefinition, kwargs: str, *, requested_by_id: int | None, correlation_id: str) -> list[str]:
    """Add one pending task for each object of a JSON array, by one statement. Returns their ids in order."""
    with connection.cursor() as cursor:
        cursor.execute(INSERT_MANY, [*_values(task, requested_by_id, correlation_id), kwargs])
        return [row[0] for row in cursor.fetchall()]


# `lease_until IS NOT NULL` is the same as `status = 'processing'`, by a constraint, but keeps the planner off the index
# of leases: small by its statistics, it is full of dead entries while thousands of tasks a minute pass through it.
RENEW = """
UPDATE tasks_task SET lease_until = statement_timestamp() + make_interval(secs => %s), progress = %s,
  progress_message = %s
WHERE id = %s AND lease_until IS NOT NULL AND lease_token = %s
RETURNING cancel_requested_at IS NOT NULL
"""


def renew(claim: Claim, *, progress: int, message: str) -> bool | None:
    """Extend the lease and write progress. True: cancellation is asked for. None: the lease is lost."""
    with connection.cursor() as cursor:
        cursor.execute(RENEW, [settings.TASK_LEASE_S, progress, message[:200], claim.id, claim.token])
        row = cursor.fetchone()
    return row[0] if row else None


def fence(claim: Claim) -> bool:
    """Hold the lease to the end of the caller's transaction. False: it is lost, roll back.

    Call it last: renewing waits until the transaction ends.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM tasks_task WHERE id = %s AND lease_until IS NOT NULL AND lease_token = %s FOR SHARE",
            [claim.id, claim.token],
        )
        return cursor.fetchone() is not None


NOTE = """
INSERT INTO tasks_attempt (task_id, number, worker, started_at, ended_at, outcome, error_type, error_message, traceback)
SELECT id, attempt, worker, attempt_started_at, clock_timestamp(), {outcome}, {error_type}, {message}, {traceback}
FROM ended
"""
# The function is in migration 0003; with the token of an older attempt it changes nothing.
END = """
tasks_end(%(id)s, %(token)s, %(status)s, %(outcome)s, %(result)s::jsonb, %(error_type)s, %(message)s, %(traceback)s,
          %(wait)s)"""


@dataclass(frozen=True, slots=True)
class Completion:
    """An attempt that succeeded and left nothing in a transaction: its end may be written with the next claim."""

    claim: Claim
    result: str


def end(
    claim: Claim,
    *,
    status: str,
    outcome: str,
    result: str | None = None,
    error: tuple[str, str, str] = NO_ERROR,
    wait_s: float = 0,
) -> bool:
    """Close the current attempt and give the task its next state. False: the lease is lost and nothing was written.

    error: (type, message, traceback), kept on the attempt and on the task.
    wait_s: for `pending`, the backoff; up to a tenth of it is added at random.
    """
    values = _end_values(claim, status, outcome, result, error, wait_s)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {END}", values)
        return cursor.fetchone()[0]


def complete(completion: Completion) -> bool:
    """End an attempt as completed. False: the lease is lost and nothing was written."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {END}", completed_values(completion))
        return cursor.fetchone()[0]


def completed_values(completion: Completion) -> dict[str, Any]:
    return _end_values(completion.claim, "completed", "completed", completion.result, NO_ERROR, 0)


def _end_values(
    claim: Claim, status: str, outcome: str, result: str | None, error: tuple[str, str, str], wait_s: float
) -> dict[str, Any]:
    return {
        "id": claim.id,
        "token": claim.token,
        "status": status,
        "outcome": outcome,
        "result": result,
        "error_type": error[0][:200],
        "message": error[1],
        "traceback": error[2],
        "wait": wait_s * (1 + random.random() / 10),
    }


NOTE_TAKEN = NOTE.format(
    outcome="CASE WHEN status = 'cancelled' THEN status ELSE %(outcome)s END",
    error_type="%(error_type)s",
    message="%(message)s",
    traceback="''",
)
# An attempt that its worker did not end. Whether it crashed, ran too long or was handed back decides what follows.
TAKE = f"""
WITH lost AS (
  -- What a lock returns is the newest version; a second look at the table might miss a cancellation.
  SELECT id, attempt, handed_back, max_attempts, crashes, cancel_requested_at,
    %(outcome)s = 'handed_back' AND handed_back < %(max_handed_back)s AS free
  FROM tasks_task WHERE status = 'processing' AND {{which}} ORDER BY lease_until LIMIT %(limit)s
  FOR UPDATE {{wait}}
), judged AS (
  SELECT id, free, CASE
      WHEN cancel_requested_at IS NOT NULL THEN 'cancelled'
      WHEN free THEN 'pending'
      WHEN attempt - handed_back >= max_attempts THEN 'failed'
      WHEN %(outcome)s = 'crashed' AND crashes + 1 >= %(max_crashes)s THEN 'failed'
      ELSE 'pending' END AS next
  FROM lost
), ended AS (
  UPDATE tasks_task t SET lease_until = NULL, status = judged.next,
    crashes = crashes + (%(outcome)s = 'crashed')::int,
    handed_back = handed_back + judged.free::int,
    completed_at = CASE WHEN judged.next <> 'pending' THEN clock_timestamp() END,
    error_type = %(error_type)s, error_message = %(message)s, error_traceback = '',
    run_after = CASE WHEN judged.next <> 'pending' THEN run_after
                     WHEN judged.free THEN statement_timestamp()
                     ELSE statement_timestamp() + make_interval(secs => least(2 ^ least(t.attempt, 9) / 2, 30)) END
  FROM judged WHERE t.id = judged.id
  RETURNING t.id, t.attempt, t.worker, t.attempt_started_at, t.status
), noted AS (
  {NOTE_TAKEN}
)
SELECT id::text, status FROM ended
"""
EXPIRED = "lease_until < statement_timestamp()"
OF_WORKER = "worker = %(worker)s"
OF_CLAIM = "id = %(id)s AND lease_token = %(token)s"
Taken = Sequence[tuple[str, str]]


def expire(*, limit: int = 500) -> Taken:
    """Take tasks from workers whose lease ran out: to pending, or to failed when they crash too often."""
    return _take(EXPIRED, "crashed", "WorkerLost", "The worker did not renew its lease.", limit=limit)


def crashed(*, worker: str, message: str) -> Taken:
    """`worker` is seen to be dead: take what it ran, without waiting for the lease."""
    return _take(OF_WORKER, "crashed", "WorkerLost", message, worker=worker)


def timed_out(*, worker: str, message: str) -> Taken:
    """`worker` was killed because its task outran its timeout, or did not stop when it was told to."""
    return _take(OF_WORKER, "timed_out", "TaskTimeout", message, worker=worker)


def hand_back(*, worker: str = "", claim: Claim | None = None, reason: str) -> Taken:
    """The attempt was ended through no fault of the task: it runs again soon and counts for nothing."""
    if claim is None:
        return _take(OF_WORKER, "handed_back", "HandedBack", reason, worker=worker)
    return _take(OF_CLAIM, "handed_back", "HandedBack", reason, id=claim.id, token=claim.token)


def _take(which: str, outcome: str, error_type: str, message: str, *, limit: int = 1, **values: Any) -> Taken:
    values |= {"outcome": outcome, "error_type": error_type, "message": message, "limit": limit}
    values |= {"max_crashes": MAX_CRASHES, "max_handed_back": MAX_HANDED_BACK}
    with connection.cursor() as cursor:
        # A dead worker's row may be locked for a moment more, by the connection it left; sweepers share the rows.
        wait = "SKIP LOCKED" if which == EXPIRED else ""
        cursor.execute(TAKE.format(which=which, wait=wait), values)
        return cursor.fetchall()
