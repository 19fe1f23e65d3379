"""Put back what dead workers left, and drop results whose time is over."""

import logging

from django.db import connection

from tasks import store
from tasks.models import Status

logger = logging.getLogger(__name__)

DROP_RESULTS = """
UPDATE tasks_task SET result = NULL, result_dropped_at = now()
WHERE id IN (
  SELECT id FROM tasks_task
  WHERE status = 'completed' AND result IS NOT NULL AND completed_at < now() - make_interval(secs => result_ttl_s)
  LIMIT %s FOR UPDATE SKIP LOCKED
)
"""
DROP_SLOTS = "DELETE FROM tasks_periodicrun WHERE slot < now() - interval '7 days'"


def sweep() -> int:
    """Take back tasks whose lease ran out. Returns how many."""
    taken = store.expire()
    for task_id, status in taken:
        level = logging.ERROR if status == Status.FAILED else logging.WARNING
        logger.log(level, "worker lost", extra={"task_id": task_id, "now": status})
    return len(taken)


def drop_expired_results(*, limit: int = 1_000) -> int:
    """Results live for their TTL; the row keeps saying when its result was dropped."""
    with connection.cursor() as cursor:
        cursor.execute(DROP_RESULTS, [limit])
        dropped = cursor.rowcount
        cursor.execute(DROP_SLOTS)
    return dropped
