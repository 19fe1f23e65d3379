"""Which task runs next: the most urgent due one of the first queue that has one, unless it is paused or full.

Taking it is one statement, the function `tasks_claim` (migration 0003), so that its plans are kept and looking,
counting and taking cost one round trip. A limit counts rows, not slots: a crashed holder stops counting when its task
is taken from it, so no slot can leak; two claims of one limited name wait for each other.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Sequence
from typing import Any

from django.conf import settings
from django.db import connection

from tasks.definitions import declared_limits, registered_names
from tasks.store import END, Claim, Completion, completed_values

logger = logging.getLogger(__name__)

CLAIMED = """id::text, name, kwargs, attempt, lease_token, attempt - handed_back >= max_attempts,
  timeout_s, requested_by_id, correlation_id, queue_name, run_after"""
CLAIM = """
tasks_claim(%(queues)s, %(names)s::text[], %(limited)s::text[], %(limits)s::int[], %(lease)s, %(worker)s, {alone},
  %(since_queue)s, %(since)s)"""
CLAIM_NEXT = f"SELECT {CLAIMED} FROM {CLAIM.format(alone=True)}"
# Referring to the end makes the claim come after it; both commit together.
END_AND_CLAIM = f"""
SELECT ended.ok, {CLAIMED} FROM {END} AS ended(ok) LEFT JOIN LATERAL {CLAIM.format(alone="ended.ok IS NULL")} ON true
"""
CLAIM_BY_ID = f"""
UPDATE tasks_task SET status = 'processing', attempt = attempt + 1, lease_token = floor(random() * 2147483647)::int,
  lease_until = clock_timestamp() + make_interval(secs => %(lease)s), worker = %(worker)s,
  attempt_started_at = clock_timestamp(), started_at = coalesce(started_at, clock_timestamp()),
  progress = 0, progress_message = ''
WHERE id = %(id)s AND status = 'pending' AND run_after <= statement_timestamp() AND name = ANY(%(names)s::text[])
RETURNING {CLAIMED}
"""
WAITING = """
WITH limits AS (
  SELECT kind, name, max_running FROM tasks_control WHERE max_running IS NOT NULL
  UNION ALL SELECT 'task', * FROM unnest(%(limited)s::text[], %(limits)s::int[])
), held AS MATERIALIZED (
  SELECT kind, name FROM tasks_control WHERE paused_at IS NOT NULL
  UNION ALL SELECT kind, name FROM limits l WHERE max_running <= (
    SELECT count(*) FROM tasks_task p
    WHERE p.status = 'processing' AND l.name = CASE l.kind WHEN 'queue' THEN p.queue_name ELSE p.name END)
)
SELECT queue_name, count(*) FROM unnest(%(queues)s::text[]) AS q(name) CROSS JOIN LATERAL (
  SELECT queue_name FROM tasks_task
  WHERE status = 'pending' AND queue_name = q.name AND run_after <= statement_timestamp()
    AND name = ANY(%(names)s::text[]) AND name <> ALL(ARRAY(SELECT name FROM held WHERE kind = 'task'))
  LIMIT %(up_to)s
) t WHERE q.name <> ALL(ARRAY(SELECT name FROM held WHERE kind = 'queue')) GROUP BY 1
"""


def claim_next(
    queues: Sequence[str], *, worker: str, after: Completion | None = None, since: Claim | None = None
) -> Claim | None:
    """Take the next task of these queues, the first queue first. None: nothing is due that may run now.

    after: what the claimer has just completed; its end is written in the same statement, and commits with the claim.
    since: a task that was claimed a moment ago. In its queue, what was due before it is looked at only if nothing else
        is: there lie the dead index entries of all that is done, which an old transaction elsewhere keeps from being
        cleared away. A claimer leaves it out now and then, to see what came late.
    """
    values = _values(worker) | {
        "queues": list(queues),
        "since_queue": since.queue_name if since else None,
        "since": since.run_after if since else None,
    }
    if after is None:
        row = _row(CLAIM_NEXT, values)
        return _claim(row) if row else None
    row = _row(END_AND_CLAIM, values | completed_values(after))
    if row and not row[0]:
        logger.warning("lost the lease of %s; another attempt decides", after.claim.id)
    return _claim(row[1:]) if row and row[1] else None


def claim(task_id: str, *, worker: str) -> Claim | None:
    """Take one due task, whatever is paused or full. None: it is taken, not due, ended or unknown here."""
    row = _row(CLAIM_BY_ID, _values(worker) | {"id": task_id})
    return _claim(row) if row else None


def _row(statement: str, values: dict[str, Any]) -> Sequence[Any] | None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone()


def _claim(row: Sequence[Any]) -> Claim:
    task_id, name, kwargs, *rest = row
    return Claim(task_id, name, json.loads(kwargs), *rest)  # Django leaves jsonb as text on its connections


def waiting(queues: Sequence[str], *, up_to: int) -> dict[str, int]:
    """How many tasks of each queue could be claimed now, counted no further than `up_to`."""
    with connection.cursor() as cursor:
        cursor.execute(WAITING, _values() | {"queues": list(queues), "up_to": up_to})
        return dict(cursor.fetchall())


def _array(values: Iterable[object]) -> str:
    """PostgreSQL's own spelling, of names that are dotted words, and of numbers: one literal instead of many."""
    return "{" + ",".join(map(str, values)) + "}"


def _values(worker: str = "") -> dict[str, Any]:
    limits = declared_limits()
    return {
        "names": _array(registered_names()),
        "limited": _array(limits),
        "limits": _array(limits.values()),
        "lease": settings.TASK_LEASE_S,
        "worker": worker[:120],
    }
