"""A run ends when its task does, however that ends.

A verdict ends its run in the transaction that stores it. What else ends a task (a permanent error, the last attempt, a
cancellation, a machine that is gone) says nothing to us, so pending runs look at their tasks: each minute all of them,
and one claim's whenever somebody asks for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import connection

from claims.models import VerificationRun
from tasks.models import TERMINAL, Status, Task

CLOSE = """
WITH ended AS (
  SELECT r.id, coalesce(t.completed_at, statement_timestamp()) AS at, coalesce(t.status, 'failed') AS status,
    CASE WHEN t.id IS NULL THEN 'The task is gone.'
         WHEN t.status = 'completed' THEN 'The task ended without a verdict.'
         WHEN t.error_type <> '' THEN t.error_type || ': ' || t.error_message ELSE '' END AS error
  FROM claims_verificationrun r LEFT JOIN tasks_task t ON t.id = r.task_id
  WHERE r.status = 'pending' AND (t.id IS NULL OR t.status IN ('completed', 'failed', 'cancelled'))
    AND (%(claim)s::uuid IS NULL OR r.claim_id = %(claim)s::uuid)
)
UPDATE claims_verificationrun r SET finished_at = ended.at, error = left(ended.error, 500),
  status = CASE ended.status WHEN 'cancelled' THEN 'cancelled' ELSE 'failed' END
FROM ended WHERE r.id = ended.id AND r.status = 'pending'
"""


def close_ended(claim_id: Any = None) -> int:
    """End the pending runs whose task has ended: those of one claim, or all. Returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(CLOSE, {"claim": None if claim_id is None else str(claim_id)})
        return cursor.rowcount


def states_of(runs: Iterable[VerificationRun]) -> dict[Any, str]:
    """By id of the run, in the words of tasks: a pending run is where its task is."""
    runs = list(runs)
    pending = [run for run in runs if run.status == VerificationRun.Status.PENDING]
    tasks = Task.objects.only("status").in_bulk([run.task_id for run in pending]) if pending else {}
    return {run.pk: _state(run, tasks.get(run.task_id)) for run in runs}


def _state(run: VerificationRun, task: Task | None) -> str:
    if run.status != VerificationRun.Status.PENDING:
        return str(run.status)
    if task is None or task.status == Status.COMPLETED:
        return str(VerificationRun.Status.FAILED)
    return str(task.status)


def is_over(state: str) -> bool:
    return state in TERMINAL
