"""Retry, discard or cancel every task that meets a filter, however many: 500 in each transaction, by one statement.

Asked for by `ask`, done by the task `tasks.act_on_matching`. It walks up the ids and notes where it stands among its
own arguments, in the transaction of each chunk; so an attempt that is lost is continued, and the counts stay exact.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q
from django_tasks.base import TaskResult

from audit.services import log_audit_event
from base import context
from tasks import bell, filters
from tasks.models import Status, Task
from tasks.models.task import TaskQuerySet
from tasks.services import RETRY

CHUNK = 500
COUNTED_TO = 10_000

DISCARD = """
UPDATE tasks_task SET discarded_at = now() WHERE id = ANY(%s::uuid[]) AND status = 'failed' AND discarded_at IS NULL
"""
CANCEL = """
UPDATE tasks_task SET cancel_requested_at = clock_timestamp(),
  completed_at = CASE WHEN status = 'pending' THEN clock_timestamp() END,
  status = CASE WHEN status = 'pending' THEN 'cancelled' ELSE status END
WHERE id = ANY(%s::uuid[]) AND status IN ('pending', 'processing')
"""
NOTE = """
UPDATE tasks_task SET kwargs = kwargs || jsonb_build_object('after', %s::text, 'done', %s::int) WHERE id = %s
"""


def candidates(action: str, conditions: dict[str, Any]) -> TaskQuerySet:
    """The tasks that meet the filter and that the action can be done to. Discarded ones only if the filter says so."""
    tasks = filters.matching(conditions)
    if action == "cancel":
        return tasks.filter(Q(status=Status.PENDING) | Q(status=Status.PROCESSING, cancel_requested_at=None))
    if action == "discard":
        return tasks.filter(status=Status.FAILED, discarded_at=None)
    retried = Exists(Task.objects.filter(retry_of=OuterRef("pk")))
    tasks = tasks.filter(~retried, status__in=(Status.FAILED, Status.CANCELLED))
    return tasks if "discarded" in conditions else tasks.filter(discarded_at=None)


def count(action: str, conditions: dict[str, Any]) -> tuple[int, bool]:
    """How many tasks it would act on, and whether it was counted no further than ten thousand."""
    found = candidates(action, conditions).order_by().values("pk")[: COUNTED_TO + 1].count()
    return min(found, COUNTED_TO), found > COUNTED_TO


@transaction.atomic
def ask(*, action: str, conditions: dict[str, Any], reason: str) -> TaskResult:
    """Store the task that does it. Only tasks that are there now are meant."""
    from tasks.tasks import act_on_matching

    with connection.cursor() as cursor:
        cursor.execute("SELECT uuidv7()::text")
        until = cursor.fetchone()[0]  # smaller than the id of the task that does it, so it never meets itself
    stored = json.loads(json.dumps(conditions, cls=DjangoJSONEncoder))
    result = act_on_matching.enqueue(action=action, filter=stored, until=until, reason=reason)
    details = {"action": action, "filter": stored, "reason": reason, "until": until}
    log_audit_event("tasks_bulk_asked", "task", result.id, details)
    return result


def act(running: Any, *, action: str, filter: dict[str, Any], until: str, reason: str, after: str, done: int) -> dict:
    """Do it to the end. running: the TaskContext; after, done: where an earlier attempt came to."""
    conditions = filters.checked(filter)
    tasks = candidates(action, conditions).filter(pk__lte=until)
    total = done + tasks.filter(pk__gt=after).order_by().count()
    while True:
        with transaction.atomic():
            chunk = tasks.filter(pk__gt=after).order_by("pk").select_for_update(of=("self",))
            ids = [str(pk) for pk in chunk.values_list("pk", flat=True)[:CHUNK]]
            if not ids:
                return _ended(running, action, filter, reason, done)
            done += ACTIONS[action](ids)
            after = ids[-1]
            with connection.cursor() as cursor:
                cursor.execute(NOTE, [after, done, running.task_id])
            running.fence()
        running.progress(100 * done / max(total, 1), f"{done:,} of {total:,}")


def _ended(running: Any, action: str, filter: dict[str, Any], reason: str, done: int) -> dict:
    """The counts, noted in the transaction that found nothing more; a second attempt's entry would say the same."""
    details = {"action": action, "filter": filter, "reason": reason, "count": done, "by": context.current().user_id}
    log_audit_event("tasks_bulk_done", "task", running.task_id, details)
    running.fence()
    return {"action": action, "count": done}


def _retry(ids: list[str]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(RETRY, [ids])
        queues = [row[1] for row in cursor.fetchall()]
    for queue_name in set(queues):
        bell.ring_on_commit(queue_name, times=queues.count(queue_name))
    return len(queues)


def _update(statement: str) -> Callable[[list[str]], int]:
    def act_on(ids: list[str]) -> int:
        with connection.cursor() as cursor:
            cursor.execute(statement, [ids])
            return cursor.rowcount

    return act_on


ACTIONS: dict[str, Callable[[list[str]], int]] = {
    "retry": _retry,
    "discard": _update(DISCARD),
    "cancel": _update(CANCEL),
}
