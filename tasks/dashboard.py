"""Background work on the dashboard: who works, what waits, what was done in a day, what failed and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db import connection
from django.db.models import Sum
from django.db.models.functions import TruncHour
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html_join

from base.links import list_url, may_view, row_link
from base.panels import (
    BAD,
    BUSY,
    GOOD,
    IDLE,
    WARN,
    Chart,
    Number,
    Panel,
    Series,
    Table,
    Text,
    ago,
    anchor,
    badge,
    lasting,
    nowrap,
)
from tasks import crew, failures
from tasks.backlog import Backlog, by_queue, live
from tasks.models import Control, Schedule, Status, Tally, Task
from tasks.statistics import BUCKETS_PER_OCTAVE

Live = Mapping[tuple[str, str], Backlog]

# Of the tallies of one hour: for each name and each of its two times, the bucket that 95 % lie in or below.
SLOWEST = """
WITH hour AS (
  SELECT name, status, wait_bucket, run_bucket, sum(count) AS count FROM tasks_tally
  WHERE minute > now() - interval '1 hour' AND status <> 'cancelled' GROUP BY 1, 2, 3, 4
), split AS (
  SELECT name, kind, bucket, sum(count) AS count
  FROM hour, LATERAL (VALUES ('wait', wait_bucket), ('run', run_bucket)) AS v(kind, bucket) GROUP BY 1, 2, 3
), placed AS (
  SELECT name, kind, bucket, sum(count) OVER (PARTITION BY name, kind ORDER BY bucket) AS up_to,
    sum(count) OVER (PARTITION BY name, kind) AS total FROM split
)
SELECT p.name, (SELECT sum(count) FROM hour h WHERE h.name = p.name)::bigint,
  (SELECT coalesce(sum(count), 0) FROM hour h WHERE h.name = p.name AND h.status = 'failed')::bigint,
  min(bucket) FILTER (WHERE kind = 'wait' AND up_to >= 0.95 * total),
  min(bucket) FILTER (WHERE kind = 'run' AND up_to >= 0.95 * total)
FROM placed p GROUP BY 1 ORDER BY 2 DESC LIMIT 15
"""
LATE = timedelta(minutes=5)
MOST_FAILURES = 10


def cards(user: Any) -> list[Panel]:
    if not may_view(user, Task):
        return []
    found, (dead, is_cut) = live(), failures.groups()
    return [
        waiting(found),
        failed(dead, is_cut),
        *paused(),
        throughput(),
        workers(user),
        backlog(found),
        times(),
        dead_letters(dead),
    ]


# The pieces that fetch themselves again.
NOW: dict[str, Callable[[Any], Panel]] = {
    "waiting": lambda user: waiting(live()),
    "workers": lambda user: workers(user),
    "backlog": lambda user: backlog(live()),
}


def again(name: str) -> str:
    return reverse("admin:tasks_task_now", args=[name])


def waiting(found: Live) -> Number:
    queues = by_queue(found).values()
    oldest = max((queue.oldest for queue in queues if queue.oldest), default=None)
    running = sum(queue.running for queue in queues)
    more = "+" if any(queue.is_cut for queue in queues) else ""
    return Number(
        title="Waiting tasks",
        value=f"{sum(queue.waiting for queue in queues):,}{more}",
        note=f"{running} running" + (f", oldest waits {lasting(oldest)}" if oldest else ""),
        tone=WARN if oldest and oldest > LATE else GOOD,
        href=list_url(Task, "?state=pending"),
        refresh=again("waiting"),
    )


def failed(dead: list[failures.Group], is_cut: bool) -> Number:
    total = sum(group.count for group in dead)
    note = "to retry or discard" if total else "nothing to look at"
    more = "+" if is_cut else ""
    return Number(title="Dead letters", value=f"{total:,}{more}", note=note, tone=BAD if total else GOOD,
                  href=reverse("admin:tasks_task_letters"))  # fmt: skip


def paused() -> list[Panel]:
    """What somebody stopped, so that nobody wonders why it waits; nothing when nothing is."""
    rows: list[Control | Schedule] = [
        *Control.objects.filter(paused_at__isnull=False).select_related("paused_by"),
        *Schedule.objects.filter(paused_at__isnull=False).select_related("paused_by"),
    ]
    if not rows:
        return []
    lines = [
        f"{row if isinstance(row, Control) else f'periodic task {row}'}: "
        f"{ago(row.paused_at)} by {row.paused_by or 'a program'}: {row.reason}"
        for row in rows
    ]
    return [Text(title="Paused", text="\n".join(lines), code=False, tone=WARN, href=list_url(Control))]


def throughput() -> Chart:
    """From the tallies, which are a few seconds behind."""
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    hours = [now - timedelta(hours=back) for back in range(23, -1, -1)]
    ended = (
        Tally.objects.filter(minute__gte=hours[0], status__in=[Status.COMPLETED, Status.FAILED])
        .values_list(TruncHour("minute"), "status")
        .annotate(Sum("count"))
    )
    counts: dict[tuple[datetime, str], int] = {(hour, status): int(count) for hour, status, count in ended}
    return Chart(
        title="Tasks ended in the last 24 hours",
        labels=[f"{hour:%H}:00" for hour in hours],
        series=[
            Series(label="completed", values=[counts.get((hour, "completed"), 0) for hour in hours], tone=GOOD),
            Series(label="failed", values=[counts.get((hour, "failed"), 0) for hour in hours], tone=BAD),
        ],
    )


def workers(user: Any) -> Table:
    members, asked = crew.workers()
    rows = [
        (member["name"], badge(*state(member)), ", ".join(member["queues"]), ago(member["last_heartbeat"]),
         work(user, member))
        for member in members
    ]  # fmt: skip
    title = f"Workers: {len(members)} alive" if asked else "Workers: Redis does not answer; those that run something"
    headers = ["Worker", "State", "Queues", "Last heartbeat", "Runs"]
    return Table(title=title, headers=headers, rows=rows, empty="No worker is alive.", refresh=again("workers"),
                 tone=IDLE if members and asked else WARN)  # fmt: skip


def state(member: dict[str, Any]) -> tuple[str, str]:
    """What PostgreSQL says goes before what Redis says, which is older."""
    if member["running"]:
        return "running", BUSY
    return (member["state"], IDLE) if member["state"] else ("unknown", WARN)


def work(user: Any, member: dict[str, Any]) -> str:
    parts = [
        (row_link(user, Task, task["task_id"], task["name"]), lasting(timedelta(seconds=task["seconds"] or 0)))
        for task in member["running"]
    ]
    return format_html_join(", ", "{} for {}", parts)


def backlog(found: Live) -> Table:
    rows = [
        (name, queue.shown(), f"{queue.running:,}", lasting(queue.oldest))
        for name, queue in sorted(by_queue(found).items())
    ]
    headers = ["Queue", "Waiting", "Running", "Oldest waits"]
    return Table(title="Backlog by queue", headers=headers, rows=rows, empty="No task waits or runs.", width=6,
                 href=list_url(Control), refresh=again("backlog"))  # fmt: skip


def times() -> Table:
    with connection.cursor() as cursor:
        cursor.execute(SLOWEST)
        found = cursor.fetchall()
    rows = [
        (anchor(list_url(Task, "?" + urlencode({"name": name})), name), f"{ended:,}", f"{bad:,}" if bad else "",
         nowrap(up_to(wait)), nowrap(up_to(run)))
        for name, ended, bad, wait, run in found
    ]  # fmt: skip
    headers = ["Task", "Ended", "Failed", "Waited, p95", "Ran, p95"]
    return Table(title="The last hour", headers=headers, rows=rows, empty="No task has ended.", width=6)


def up_to(bucket: int) -> str:
    """The longest time of a tally's bucket."""
    return lasting(timedelta(milliseconds=2 ** (bucket / BUCKETS_PER_OCTAVE)))


def dead_letters(dead: list[failures.Group]) -> Table:
    rows = [
        (
            anchor(list_url(Task, "?" + urlencode({"state": "failed", "name": group.name})), group.name),
            group.error, group.count, nowrap(ago(group.last)), group.message,
        )
        for group in dead[:MOST_FAILURES]
    ]  # fmt: skip
    headers = ["Task", "Error", "Count", "Last", "Message"]
    return Table(title="Failures", headers=headers, rows=rows, empty="No task has failed for good.",
                 href=reverse("admin:tasks_task_letters"))  # fmt: skip
