"""Background work on the dashboard: what waits, what was done in a day, what failed and why."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.db import connection
from django.utils import timezone

from base.links import list_url, may_view
from base.panels import BAD, GOOD, WARN, Chart, Number, Panel, Series, Table, anchor, lasting, nowrap
from tasks.models import Task

LIVE = """
SELECT queue_name, count(*) FILTER (WHERE status = 'pending'), count(*) FILTER (WHERE status = 'processing'),
       now() - min(created_at) FILTER (WHERE status = 'pending' AND run_after <= now())
FROM tasks_task WHERE status IN ('pending', 'processing') GROUP BY 1 ORDER BY 1
"""
# By the index on state and creation: work that ended today was asked for yesterday at the earliest.
ENDED = """
SELECT date_trunc('hour', completed_at), status, count(*) FROM tasks_task
WHERE status IN ('completed', 'failed') AND created_at > now() - interval '48 hours'
  AND completed_at > date_trunc('hour', now()) - interval '23 hours' GROUP BY 1, 2
"""
DEAD = """
SELECT t.name, t.error_type, count(*), now() - max(t.completed_at), (array_agg(left(t.error_message, 120)))[1]
FROM tasks_task t LEFT JOIN tasks_task r ON r.retry_of_id = t.id
WHERE t.status = 'failed' AND t.discarded_at IS NULL AND r.id IS NULL
GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 20
"""
LATE = timedelta(minutes=5)


def cards(user: Any) -> list[Panel]:
    if not may_view(user, Task):
        return []
    with connection.cursor() as cursor:
        cursor.execute(LIVE)
        live = cursor.fetchall()
        cursor.execute(ENDED)
        ended = cursor.fetchall()
        cursor.execute(DEAD)
        dead = cursor.fetchall()
    return [waiting(live), failures(dead), throughput(ended), backlog(live), dead_letters(dead)]


def waiting(live: list[tuple]) -> Number:
    oldest = max((row[3] for row in live if row[3]), default=None)
    running = sum(row[2] for row in live)
    return Number(
        title="Waiting tasks",
        value=f"{sum(row[1] for row in live):,}",
        note=f"{running} running" + (f", oldest waits {lasting(oldest)}" if oldest else ""),
        tone=WARN if oldest and oldest > LATE else GOOD,
        href=list_url(Task, "?state=pending"),
    )


def failures(dead: list[tuple]) -> Number:
    total = sum(row[2] for row in dead)
    note = "to retry or discard" if total else "nothing to look at"
    return Number(title="Dead letters", value=f"{total:,}", note=note, tone=BAD if total else GOOD,
                  href=list_url(Task, "?state=failed"))  # fmt: skip


def throughput(ended: list[tuple]) -> Chart:
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    hours = [now - timedelta(hours=back) for back in range(23, -1, -1)]
    counts = {(hour, status): count for hour, status, count in ended}
    return Chart(
        title="Tasks ended in the last 24 hours",
        labels=[f"{hour:%H}:00" for hour in hours],
        series=[
            Series(label="completed", values=[counts.get((hour, "completed"), 0) for hour in hours], tone=GOOD),
            Series(label="failed", values=[counts.get((hour, "failed"), 0) for hour in hours], tone=BAD),
        ],
    )


def backlog(live: list[tuple]) -> Table:
    rows = [(queue, f"{pending:,}", f"{running:,}", lasting(oldest)) for queue, pending, running, oldest in live]
    headers = ["Queue", "Waiting", "Running", "Oldest waits"]
    return Table(title="Backlog by queue", headers=headers, rows=rows, empty="No task waits or runs.", width=6)


def dead_letters(dead: list[tuple]) -> Table:
    rows = [
        (
            anchor(list_url(Task, "?" + urlencode({"state": "failed", "name": name})), name),
            error.rpartition(".")[2], count, nowrap(f"{lasting(last)} ago"), message,
        )
        for name, error, count, last, message in dead
    ]  # fmt: skip
    headers = ["Task", "Error", "Count", "Last", "Message"]
    return Table(title="Failures", headers=headers, rows=rows, empty="No task has failed for good.")
