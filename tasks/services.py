"""What people may do to tasks. Each returns the row as it then is, and leaves an audit entry."""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction
from django.db.models.functions import Now

from audit.services import log_audit_event
from tasks import bell
from tasks.models import Attempt, Status, Task


class WrongState(Exception):
    """The task is not in a state that allows this; the message says which it is in."""


@transaction.atomic
def cancel_task(*, task_id: Any, reason: str = "") -> Task:
    """Cancel a pending task at once; ask a processing one to stop. Raises WrongState for an ended one."""
    task = Task.objects.select_for_update().get(pk=task_id)
    if task.status == Status.PENDING:
        Task.objects.filter(pk=task.pk).update(
            status=Status.CANCELLED, completed_at=Now(), cancel_requested_at=Now(), lease_until=None
        )
    elif task.status == Status.PROCESSING:
        Task.objects.filter(pk=task.pk).update(cancel_requested_at=Now())
    else:
        raise WrongState(f"This task is already {task.status}.")
    log_audit_event("task_cancelled", "task", task.pk, {"name": task.name, "reason": reason, "was": task.status})
    task.refresh_from_db()
    return task


FORGET = """
UPDATE tasks_task SET subject_id = %(name)s, kwargs = '{}', result = NULL,
  result_dropped_at = CASE WHEN result IS NULL THEN result_dropped_at ELSE now() END,
  error_message = '', error_traceback = '', progress_message = '', coalesce_key = NULL, unique_key = NULL
WHERE subject_type = %(type)s AND subject_id = %(id)s AND status IN ('completed', 'failed', 'cancelled')
"""


@transaction.atomic
def forget_subject(*, subject: tuple[str, str], name: str) -> int:
    """Take (entity type, entity id) out of the tasks about it: `name` stands for it, arguments and results are gone.

    Pending ones are cancelled. One that runs is asked to stop and keeps the id; call again when it has. Returns how
    many were changed. Their attempts' errors go too; deliveries of webhooks end by themselves after 30 days.
    """
    about = Task.objects.filter(subject_type=subject[0], subject_id=subject[1])
    for pk in about.filter(status__in=[Status.PENDING, Status.PROCESSING]).values_list("pk", flat=True):
        try:
            cancel_task(task_id=pk, reason="Its subject is erased.")
        except WrongState:
            continue  # it has ended in the meantime
    Attempt.objects.filter(task__in=about.exclude(status=Status.PROCESSING)).update(error_message="", traceback="")
    with connection.cursor() as cursor:
        cursor.execute(FORGET, {"type": subject[0], "id": subject[1], "name": name})
        return cursor.rowcount


RETRY = """
INSERT INTO tasks_task (name, queue_name, priority, status, subject_type, subject_id, kwargs, max_attempts,
  timeout_s, result_ttl_s, requested_by_id, correlation_id, webhook_id, retry_of_id, progress, progress_message,
  error_type, error_message, error_traceback, attempt, worker, crashes, handed_back, lease_token)
SELECT name, queue_name, priority, 'pending', subject_type, subject_id, kwargs, max_attempts, timeout_s, result_ttl_s,
  requested_by_id, correlation_id, webhook_id, id, 0, '', '', '', '', 0, '', 0, 0, 0
FROM tasks_task WHERE id = ANY(%s::uuid[]) AND status IN ('failed', 'cancelled')
ON CONFLICT (retry_of_id) DO NOTHING RETURNING id::text, queue_name
"""


@transaction.atomic
def retry_task(*, task_id: Any, reason: str = "") -> Task:
    """Start a new task with the arguments of a failed or cancelled one, which stays as it ended.

    Raises WrongState when the task has not failed or was already retried.
    """
    task = Task.objects.select_for_update().get(pk=task_id)
    if task.status not in (Status.FAILED, Status.CANCELLED):
        raise WrongState(f"Only a failed or cancelled task can be retried; this one is {task.status}.")
    with connection.cursor() as cursor:
        cursor.execute(RETRY, [[str(task.pk)]])
        row = cursor.fetchone()
    if row is None:
        raise WrongState("This task was already retried.")
    log_audit_event("task_retried", "task", task.pk, {"name": task.name, "reason": reason, "new_task": row[0]})
    bell.ring_on_commit(task.queue_name)
    return Task.objects.get(pk=row[0])


@transaction.atomic
def discard_task(*, task_id: Any, reason: str = "") -> Task:
    """Take a failed task off the dead-letter list; the row stays. Raises WrongState for any other."""
    changed = Task.objects.filter(pk=task_id, status=Status.FAILED, discarded_at=None).update(discarded_at=Now())
    task = Task.objects.get(pk=task_id)
    if not changed:
        raise WrongState("Only a failed task that is still listed can be discarded.")
    log_audit_event("task_discarded", "task", task.pk, {"name": task.name, "reason": reason})
    return task
