"""Tasks that failed for good and that nobody has retried or discarded, alike in name and error."""

from __future__ import annotations

from typing import Any

from django.db import connection

MOST_GROUPS = 100
NEWEST = 5

GROUPS = """
WITH alike AS (
  SELECT t.name, t.error_type, count(*) AS count, min(t.completed_at) AS first_at, max(t.completed_at) AS last_at
  FROM tasks_task t
  WHERE t.status = 'failed' AND t.discarded_at IS NULL
    AND NOT EXISTS (SELECT FROM tasks_task r WHERE r.retry_of_id = t.id)
  GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT %(groups)s
)
SELECT a.*, newest.message, newest.ids FROM alike a CROSS JOIN LATERAL (
  SELECT (array_agg(message))[1] AS message, array_agg(id::text) AS ids FROM (
    SELECT left(t.error_message, 500) AS message, t.id FROM tasks_task t
    WHERE t.status = 'failed' AND t.discarded_at IS NULL AND t.name = a.name AND t.error_type = a.error_type
      AND NOT EXISTS (SELECT FROM tasks_task r WHERE r.retry_of_id = t.id)
    ORDER BY t.id DESC LIMIT %(newest)s
  ) one
) newest ORDER BY count DESC, name, error_type
"""


def grouped() -> tuple[list[dict[str, Any]], bool]:
    """The most frequent first, at most a hundred groups, with their newest ids; whether those are all of them."""
    with connection.cursor() as cursor:
        cursor.execute(GROUPS, {"groups": MOST_GROUPS + 1, "newest": NEWEST})
        names = ["name", "error_type", "count", "first_at", "last_at", "message", "task_ids"]
        found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return found[:MOST_GROUPS], len(found) <= MOST_GROUPS
