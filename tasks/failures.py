"""The dead letters, grouped by what failed and how: from the newest failures, so that a page stays fast."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

LOOK_AT = 20_000
# By the index on state and id. The newest rows are looked at whatever became of them: that bounds the work.
GROUPS = """
WITH newest AS (
  SELECT id, name, error_type, completed_at, discarded_at FROM tasks_task
  WHERE status = 'failed' ORDER BY id DESC LIMIT %(look_at)s
), dead AS (
  SELECT name, error_type, count(*) AS count, min(completed_at) AS first, max(completed_at) AS last,
    (array_agg(id ORDER BY id DESC))[1] AS example
  FROM newest f WHERE discarded_at IS NULL AND NOT EXISTS (SELECT FROM tasks_task r WHERE r.retry_of_id = f.id)
  GROUP BY 1, 2
)
SELECT d.*, left(t.error_message, 200) FROM dead d JOIN tasks_task t ON t.id = d.example ORDER BY count DESC, 1, 2
"""
MANY = "SELECT count(*) FROM (SELECT FROM tasks_task WHERE status = 'failed' LIMIT %(look_at)s) t"


@dataclass(frozen=True, slots=True)
class Group:
    """Dead letters of one task name and one error type. example, message: of the newest of them."""

    name: str
    error_type: str
    count: int
    first: datetime
    last: datetime
    example: UUID
    message: str

    @property
    def error(self) -> str:
        return self.error_type.rpartition(".")[2] or "unknown"


def groups() -> list[Group]:
    """The largest first."""
    with connection.cursor() as cursor:
        cursor.execute(GROUPS, {"look_at": LOOK_AT})
        return [Group(*row) for row in cursor.fetchall()]


def are_all_looked_at() -> bool:
    """Whether `groups` sees every failure, or only the newest."""
    with connection.cursor() as cursor:
        cursor.execute(MANY, {"look_at": LOOK_AT + 1})
        return cursor.fetchone()[0] <= LOOK_AT
