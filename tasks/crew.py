"""Which workers there are, as RQ's registry has it, and what each runs now, as the rows have it."""

from __future__ import annotations

from typing import Any

from django.db import connection
from redis.exceptions import RedisError
from rq import Worker

from tasks import bell

# A work-horse is named after its worker: `<worker>/<process id>`.
RUNNING = """
SELECT id::text, name, split_part(worker, '/', 1),
  round(extract(epoch FROM clock_timestamp() - attempt_started_at)::numeric, 3)::float8
FROM tasks_task WHERE status = 'processing' ORDER BY attempt_started_at LIMIT 1000
"""


def workers() -> tuple[list[dict[str, Any]], bool]:
    """Each worker with what it runs; whether RQ's registry could be read. Without it, those that run something."""
    found: dict[str, dict[str, Any]] = {}
    known = True
    try:
        for worker in Worker.all(connection=bell.quick_connection()):
            found[worker.name] = {
                "name": worker.name,
                "host": worker.hostname,
                "pid": worker.pid,
                "queues": worker.queue_names(),
                "state": str(worker.get_state()),
                "last_heartbeat": worker.last_heartbeat,
                "running": [],
            }
    except (RedisError, OSError):
        found, known = {}, False
    with connection.cursor() as cursor:
        cursor.execute(RUNNING)
        for task_id, name, worker_name, seconds in cursor.fetchall():
            one = found.setdefault(worker_name, {**UNREGISTERED, "name": worker_name, "running": []})
            one["running"].append({"task_id": task_id, "name": name, "seconds": seconds})
    return [found[name] for name in sorted(found)], known


UNREGISTERED = {"host": None, "pid": None, "queues": [], "state": None, "last_heartbeat": None}
