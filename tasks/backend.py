"""The backend behind Django's Tasks API: a row in the caller's transaction, a bell after its commit."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone
from django_tasks.backends.base import BaseTaskBackend
from django_tasks.base import TaskError, TaskResult, TaskResultStatus
from django_tasks.exceptions import InvalidTaskError, TaskResultDoesNotExist

from base import context
from tasks import bell, store
from tasks.definitions import TaskDefinition, registered
from tasks.models import Status, Task

STATUS = {
    Status.PENDING: TaskResultStatus.READY,
    Status.PROCESSING: TaskResultStatus.RUNNING,
    Status.COMPLETED: TaskResultStatus.SUCCESSFUL,
    Status.FAILED: TaskResultStatus.FAILED,
    Status.CANCELLED: TaskResultStatus.FAILED,
}


class PostgresBackend(BaseTaskBackend):
    task_class = TaskDefinition
    supports_defer = True
    supports_get_result = True
    supports_priority = True

    def enqueue(self, task: TaskDefinition, args: Any, kwargs: Any) -> TaskResult:  # type: ignore[override]
        """Store the task in the caller's transaction. Rolled back with it, it never existed."""
        if args:
            raise InvalidTaskError("Tasks take keyword arguments only: they are stored and read by people.")
        now = context.current()
        stored = store.insert(
            task,
            json.dumps(kwargs, cls=DjangoJSONEncoder),
            requested_by_id=task.requested_by_id or now.user_id,
            correlation_id=now.correlation_id,
        )
        if stored.is_new and stored.due:
            bell.ring_on_commit(task.queue_name)
        return TaskResult(
            task=task,
            id=stored.id,
            status=TaskResultStatus.READY,
            enqueued_at=stored.created_at,
            started_at=None,
            finished_at=None,
            last_attempted_at=None,
            args=[],
            kwargs=kwargs,
            backend=self.alias,
            errors=[],
            worker_ids=[],
        )

    def enqueue_many(self, task: TaskDefinition, calls: Iterable[dict[str, Any]]) -> list[str]:
        """Store one task for each set of keyword arguments, by one statement. Returns their ids in order."""
        if task.unique_key or task.coalesce_key:
            raise InvalidTaskError("Many tasks cannot share one unique or coalesce key.")
        now = context.current()
        ids = store.insert_many(
            task,
            json.dumps(list(calls), cls=DjangoJSONEncoder),
            requested_by_id=task.requested_by_id or now.user_id,
            correlation_id=now.correlation_id,
        )
        if ids and (task.run_after is None or task.run_after <= timezone.now()):
            bell.ring_on_commit(task.queue_name, times=len(ids))
        return ids

    def get_result(self, result_id: str) -> TaskResult:
        row = Task.objects.filter(pk=result_id).prefetch_related("attempts").first()
        definition = registered(row.name) if row else None
        if row is None or definition is None:
            raise TaskResultDoesNotExist(result_id)
        return result_of(row, definition)


def result_of(row: Task, definition: TaskDefinition) -> TaskResult:
    """Django's view of a Task row."""
    attempts = list(row.attempts.all())
    result: TaskResult = TaskResult(
        task=definition,
        id=str(row.pk),
        status=STATUS[Status(row.status)],
        enqueued_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.completed_at,
        last_attempted_at=row.attempt_started_at,
        args=[],
        kwargs=row.kwargs,
        backend=definition.backend,
        errors=[TaskError(exception_class_path=a.error_type, traceback=a.traceback) for a in attempts if a.error_type],
        worker_ids=[*(a.worker for a in attempts), *([row.worker] if row.status == Status.PROCESSING else [])],
    )
    object.__setattr__(result, "_return_value", row.result)
    return result
