"""One task with all its page shows, in one statement, written out since building it anew costs more than asking."""

from __future__ import annotations

import functools
import json
from typing import Any

from django.db import connection

from tasks.models import Task


@functools.cache
def _columns() -> list[str]:
    return [f.attname for f in Task._meta.concrete_fields if f.attname not in ("kwargs", "error_traceback")]


@functools.cache
def _statement() -> str:
    columns = ", ".join(f"t.{name}" for name in _columns())
    return f"""
SELECT {columns}, (SELECT r.id FROM tasks_task r WHERE r.retry_of_id = t.id),
  (SELECT json_agg(json_build_object('number', a.number, 'worker', a.worker, 'started_at', a.started_at,
     'ended_at', a.ended_at, 'outcome', a.outcome, 'error_type', a.error_type, 'error_message', a.error_message)
     ORDER BY a.number) FROM tasks_attempt a WHERE a.task_id = t.id)
FROM tasks_task t WHERE t.id = %s"""  # noqa: S608 - columns of the model


def find(task_id: Any) -> Task | None:
    """The task without arguments and traceback; `successor_id` retried it, `history` lists its ended attempts."""
    with connection.cursor() as cursor:
        cursor.execute(_statement(), [str(task_id)])
        row = cursor.fetchone()
    if row is None:
        return None
    *values, successor_id, history = row
    task: Any = Task.from_db(connection.alias, _columns(), values)
    if task.result is not None:
        task.result = json.loads(task.result)  # Django leaves jsonb as text on its connections
    task.successor_id = successor_id
    task.history = json.loads(history) if isinstance(history, str) else history or []
    return task
