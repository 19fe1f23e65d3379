"""The dead letters, grouped by what failed and how: from the newest failures, so that a page stays fast."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

LOOK_AT = 5_000
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
SELECT (SELECT count(*) FROM newest), d.*, left(t.error_message, 200)
FROM (SELECT) one LEFT JOIN dead d ON true LEFT JOIN tasks_task t ON t.id = d.example ORDER BY d.count DESC, 2, 3
"""


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


def groups() -> tuple[list[Group], bool]:
    """The largest first; and whether there may be older failures that were not looked at."""
    with connection.cursor() as cursor:
        cursor.execute(GROUPS, {"look_at": LOOK_AT})
        rows = cursor.fetchall()
    return [Group(*row[1:]) for row in rows if row[1] is not None], rows[0][0] >= LOOK_AT
