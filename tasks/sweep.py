"""Put back what dead workers left, and clear away what has had its time."""

import logging

from django.db import connection

from tasks import store
from tasks.definitions import registered_names
from tasks.models import Status

logger = logging.getLogger(__name__)
BATCH = 1_000

UNKNOWN = """
WITH unknown AS (
  SELECT id FROM tasks_task
  WHERE status = 'pending' AND name <> ALL(%s) AND run_after < now() - make_interval(secs => %s)
  LIMIT %s FOR UPDATE SKIP LOCKED
)
UPDATE tasks_task t SET status = 'failed', completed_at = clock_timestamp(), error_type = 'UnknownTask',
  error_message = 'No release that ran in the last hour knows a task of this name.'
FROM unknown WHERE t.id = unknown.id
"""
UNKNOWN_FOR_S = 3_600  # a name this release does not know may belong to the next one
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


def clean() -> None:
    """Give up tasks nobody knows, and drop results and slots whose time is over."""
    fail_unknown()
    while drop_expired_results() == BATCH:
        pass
    with connection.cursor() as cursor:
        cursor.execute(DROP_SLOTS)


def fail_unknown(*, limit: int = BATCH) -> int:
    """Fail tasks that waited for an hour for a release that knows their name. Returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(UNKNOWN, [registered_names(), UNKNOWN_FOR_S, limit])
        return cursor.rowcount


def drop_expired_results(*, limit: int = BATCH) -> int:
    """Results live for their TTL; the row keeps saying when its result was dropped. Returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(DROP_RESULTS, [limit])
        return cursor.rowcount
