"""Every change of a task row, as one statement each. The database decides all races, and its clock is the clock.

insert → claim → renew* → finish | fail | release; `expire` and `due` serve the sweeper and the relay.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from tasks.definitions import TaskDefinition

MAX_CRASHES = 3


@dataclass(frozen=True, slots=True)
class Stored:
    id: str
    created_at: datetime
    is_new: bool
    due: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to run one attempt. Only the holder of the newest `token` may write."""

    id: str
    name: str
    kwargs: dict[str, Any]
    attempt: int
    token: int
    max_attempts: int
    requested_by_id: int | None
    correlation_id: str


INSERT = """
INSERT INTO tasks_task
  (name, queue_name, priority, status, subject_type, subject_id, kwargs, run_after, send_at, max_attempts,
   result_ttl_s, unique_key, coalesce_key, requested_by_id, correlation_id,
   progress, progress_message, error_type, error_message, error_traceback, attempt, crashes, lease_token, send_no)
VALUES (%s, %s, %s, 'pending', %s, %s, %s::jsonb, %s,
        coalesce(%s, now() + make_interval(secs => %s)), %s, %s, %s, %s, %s, %s,
        0, '', '', '', '', 0, 0, 0, 0)
ON CONFLICT DO NOTHING
RETURNING id::text, created_at, run_after IS NULL OR run_after <= now()
"""
# The share lock holds back the waiting task's first attempt until the caller commits, so it sees the caller's rows.
EXISTING = """
SELECT id::text, created_at FROM tasks_task
WHERE (unique_key = %s AND status IN ('pending', 'processing'))
   OR (coalesce_key = %s AND status = 'pending' AND attempt = 0)
LIMIT 1 FOR SHARE
"""


def insert(task: TaskDefinition, kwargs: str, *, requested_by_id: int | None, correlation_id: str) -> Stored:
    """Add a pending task, or return the one that its unique or coalesce key already names."""
    subject_type, subject_id = task.subject
    values = [
        task.name,
        task.queue_name,
        task.priority,
        subject_type,
        str(subject_id),
        kwargs,
        task.run_after,
        task.run_after,
        settings.TASK_RESEND_S,
        task.max_attempts,
        task.result_ttl_s,
        task.unique_key,
        task.coalesce_key,
        requested_by_id,
        correlation_id,
    ]
    # Without a key nothing conflicts. With one, the other task may end between the two statements: try again.
    for _ in range(10):
        with transaction.atomic(savepoint=False), connection.cursor() as cursor:
            cursor.execute(INSERT, values)
            if row := cursor.fetchone():
                return Stored(row[0], row[1], is_new=True, due=row[2])
            cursor.execute(EXISTING, [task.unique_key, task.coalesce_key])
            if row := cursor.fetchone():
                return Stored(row[0], row[1], is_new=False, due=True)
    raise RuntimeError(f"could not store {task.name}: its key changed hands ten times")


CLAIM = """
WITH claimed AS (
  UPDATE tasks_task SET status = 'processing', attempt = attempt + 1, lease_token = lease_token + 1,
    lease_until = now() + make_interval(secs => %s), started_at = coalesce(started_at, now()),
    progress = 0, progress_message = ''
  WHERE id = %s AND status = 'pending' AND (run_after IS NULL OR run_after <= now())
  RETURNING id, name, kwargs, attempt, lease_token, max_attempts, requested_by_id, correlation_id
), noted AS (
  INSERT INTO tasks_attempt (task_id, number, worker, outcome, error_type, error_message, traceback)
  SELECT id, attempt, %s, 'running', '', '', '' FROM claimed
)
SELECT id::text, name, kwargs, attempt, lease_token, max_attempts, requested_by_id, correlation_id FROM claimed
"""


def claim(task_id: str, *, worker: str) -> Claim | None:
    """Take a due pending task by compare-and-set. None: somebody else has it, or it is not due, or it ended."""
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, [settings.TASK_LEASE_S, task_id, worker[:120]])
        row = cursor.fetchone()
    if row is None:
        return None
    return Claim(row[0], row[1], json.loads(row[2]), *row[3:])  # Django leaves jsonb as text on its connections


RENEW = """
UPDATE tasks_task SET lease_until = now() + make_interval(secs => %s), progress = %s, progress_message = %s
WHERE id = %s AND status = 'processing' AND lease_token = %s
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
            "SELECT 1 FROM tasks_task WHERE id = %s AND status = 'processing' AND lease_token = %s FOR SHARE",
            [claim.id, claim.token],
        )
        return cursor.fetchone() is not None


END = """
WITH ended AS (
  UPDATE tasks_task SET lease_until = NULL,
    status = CASE WHEN %(status)s <> 'pending' THEN %(status)s
                  WHEN cancel_requested_at IS NULL THEN 'pending' ELSE 'cancelled' END,
    completed_at = CASE WHEN %(status)s <> 'pending' OR cancel_requested_at IS NOT NULL THEN clock_timestamp() END,
    progress = CASE WHEN %(status)s = 'completed' THEN 100 ELSE progress END,
    result = %(result)s::jsonb, error_type = %(error_type)s, error_message = %(error_message)s,
    error_traceback = %(traceback)s,
    run_after = CASE WHEN %(status)s = 'pending' THEN now() + make_interval(secs => %(wait)s) ELSE run_after END,
    send_at = CASE WHEN %(status)s = 'pending' THEN now() + make_interval(secs => %(wait)s) ELSE send_at END
  WHERE id = %(id)s AND status = 'processing' AND lease_token = %(token)s
  RETURNING id, attempt
)
UPDATE tasks_attempt a SET outcome = %(outcome)s, ended_at = clock_timestamp(), error_type = %(error_type)s,
  error_message = %(error_message)s, traceback = %(traceback)s
FROM ended WHERE a.task_id = ended.id AND a.number = ended.attempt
RETURNING a.id
"""


def end(
    claim: Claim,
    *,
    status: str,
    outcome: str,
    result: str | None = None,
    error: tuple[str, str, str] = ("", "", ""),
    wait_s: float = 0,
) -> bool:
    """Close the current attempt and give the task its next state. False: the lease is lost and nothing was written.

    error: (type, message, traceback), kept on the attempt and on the task.
    wait_s: for `pending`, the backoff; up to a tenth of it is added at random.
    """
    values: dict[str, Any] = {
        "id": claim.id,
        "token": claim.token,
        "status": status,
        "outcome": outcome,
        "result": result,
        "error_type": error[0][:200],
        "error_message": error[1],
        "traceback": error[2],
        "wait": wait_s * (1 + random.random() / 10),
    }
    with connection.cursor() as cursor:
        cursor.execute(END, values)
        return cursor.fetchone() is not None


EXPIRE = """
WITH lost AS (
  SELECT id FROM tasks_task WHERE status = 'processing' AND {which} ORDER BY lease_until LIMIT %(limit)s
  FOR UPDATE SKIP LOCKED
), ended AS (
  UPDATE tasks_task t SET crashes = crashes + 1, lease_until = NULL,
    status = CASE WHEN t.cancel_requested_at IS NOT NULL THEN 'cancelled'
                  WHEN t.attempt >= t.max_attempts OR t.crashes + 1 >= %(max_crashes)s THEN 'failed'
                  ELSE 'pending' END,
    completed_at = CASE WHEN t.cancel_requested_at IS NOT NULL OR t.attempt >= t.max_attempts
                          OR t.crashes + 1 >= %(max_crashes)s THEN now() END,
    error_type = 'WorkerLost', error_message = %(message)s, error_traceback = '',
    run_after = now(), send_at = now()
  FROM lost WHERE t.id = lost.id
  RETURNING t.id, t.attempt, t.status
), noted AS (
  UPDATE tasks_attempt a SET outcome = 'crashed', ended_at = now(), error_type = 'WorkerLost',
    error_message = %(message)s
  FROM ended WHERE a.task_id = ended.id AND a.number = ended.attempt
)
SELECT id::text, status FROM ended
"""


def expire(*, limit: int = 500) -> list[tuple[str, str]]:
    """Take tasks back from workers whose lease ran out: to pending, or to failed when they crash too often."""
    return _expire("lease_until < now()", {"limit": limit, "message": "The worker did not renew its lease."})


OF_WORKER = """id = %(id)s AND EXISTS (
    SELECT 1 FROM tasks_attempt a
    WHERE a.task_id = tasks_task.id AND a.number = tasks_task.attempt AND a.worker = %(worker)s)"""


def crashed(task_id: str, *, worker: str, message: str) -> list[tuple[str, str]]:
    """`worker` is seen to be dead: take back the attempt it runs, and no other's, without waiting for the lease."""
    return _expire(OF_WORKER, {"limit": 1, "message": message, "id": task_id, "worker": worker[:120]})


def _expire(which: str, values: dict[str, Any]) -> list[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute(EXPIRE.format(which=which), {**values, "max_crashes": MAX_CRASHES})
        return cursor.fetchall()


DUE = """
UPDATE tasks_task SET send_at = now() + make_interval(secs => %s), send_no = send_no + 1
WHERE id IN (
  SELECT id FROM tasks_task WHERE status = 'pending' AND send_at <= now() AND queue_name = ANY(%s)
  ORDER BY send_at LIMIT %s FOR UPDATE SKIP LOCKED
)
RETURNING id::text, queue_name, send_no, name, priority, created_at
"""


def due(queues: list[str], *, limit: int) -> list[tuple[str, str, int, str]]:
    """Pending tasks for which nobody rang lately, most urgent first: (id, queue, number of this ring, name)."""
    with connection.cursor() as cursor:
        cursor.execute(DUE, [settings.TASK_RESEND_S, queues, limit])
        rows = sorted(cursor.fetchall(), key=lambda row: (-row[4], row[5]))
    return [row[:4] for row in rows]


def resend_soon(task_ids: list[str]) -> None:
    """The bell failed: let the relay ring as soon as Redis is back."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE tasks_task SET send_at = now() WHERE id = ANY(%s::uuid[]) AND status = 'pending'", [task_ids]
        )
