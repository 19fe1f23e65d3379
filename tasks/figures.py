"""Statistics as people ask for them: the present from the live rows, the past from the tallies by minute.

Resolution: windows begin at a whole minute, that of a day at a whole hour; a percentile is the upper bound of its
bucket, so it is at most 19 % above the exact one, never below it, and never under 1 ms.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection

from tasks.definitions import declared_limits, registered_names
from tasks.models import Control, Status
from tasks.statistics import BUCKETS_PER_OCTAVE

WINDOWS = {"15m": timedelta(minutes=15), "1h": timedelta(hours=1), "24h": timedelta(hours=24)}
# The first half reads an index alone.
LIVE = """
SELECT queue_name, name, count(*) FILTER (WHERE run_after <= now()), count(*) FILTER (WHERE run_after > now()),
  coalesce(extract(epoch FROM now() - min(run_after) FILTER (WHERE run_after <= now())), 0)::float8, 0, 0::float8
FROM tasks_task WHERE status = 'pending' GROUP BY 1, 2
UNION ALL
SELECT queue_name, name, 0, 0, 0, count(*), coalesce(extract(epoch FROM now() - min(attempt_started_at)), 0)::float8
FROM tasks_task WHERE status = 'processing' GROUP BY 1, 2
"""
ENDED = """
SELECT queue_name, name, status, wait_bucket, run_bucket, sum(count)::bigint FROM tasks_tally
WHERE minute >= %s GROUP BY 1, 2, 3, 4, 5
"""
BEGINS = "SELECT date_trunc(CASE WHEN %s > interval '1 hour' THEN 'hour' ELSE 'minute' END, now() - %s), now()"
ALL_ENDED = """
SELECT queue_name, name, status, wait_bucket, run_bucket, sum(count)::bigint FROM tasks_tally GROUP BY 1, 2, 3, 4, 5
"""


@dataclass(slots=True)
class Figures:
    """Of a queue, of a task name, or of both together. Times in seconds; `waits` and `runs` count by bucket."""

    due: int = 0
    deferred: int = 0
    oldest_s: float = 0.0
    running: int = 0
    longest_s: float = 0.0
    ended: Counter[str] = field(default_factory=Counter)
    waits: Counter[int] = field(default_factory=Counter)
    runs: Counter[int] = field(default_factory=Counter)

    def live(self, due: int, deferred: int, oldest_s: float, running: int, longest_s: float) -> None:
        self.due += due
        self.deferred += deferred
        self.oldest_s = max(self.oldest_s, oldest_s)
        self.running += running
        self.longest_s = max(self.longest_s, longest_s)

    def past(self, status: str, wait: int, run: int, count: int) -> None:
        self.ended[status] += count
        if status != Status.CANCELLED:
            self.waits[wait] += count
            self.runs[run] += count


def bucket_s(bucket: int) -> float:
    """The longest time that a bucket stands for, in seconds."""
    return 2 ** (bucket / BUCKETS_PER_OCTAVE) / 1000


def percentile(counts: Counter[int], share: float) -> float | None:
    """The time in seconds that this share of the tasks did not exceed; None without any."""
    wanted, seen = share * counts.total(), 0
    for bucket in sorted(counts):
        seen += counts[bucket]
        if seen >= wanted:
            return round(bucket_s(bucket), 6)
    return None


def collect(since: datetime | None = None) -> dict[tuple[str, str], Figures]:
    """Figures by (queue, task name): live ones and those that ended since then, or ever."""
    found: dict[tuple[str, str], Figures] = {}
    with connection.cursor() as cursor:
        cursor.execute(LIVE)
        for queue, name, *live in cursor.fetchall():
            found.setdefault((queue, name), Figures()).live(*live)
        cursor.execute(ALL_ENDED if since is None else ENDED, [] if since is None else [since])
        for queue, name, *past in cursor.fetchall():
            found.setdefault((queue, name), Figures()).past(*past)
    return found


def summary(window: str) -> dict[str, Any]:
    """What `GET /api/v1/tasks/stats` tells of queues and names for one of WINDOWS."""
    with connection.cursor() as cursor:
        cursor.execute(BEGINS, (WINDOWS[window], WINDOWS[window]))  # type: ignore[arg-type]
        since, now = cursor.fetchone()
    found = collect(since)
    controls = {(control.kind, control.name): control for control in Control.objects.all()}
    queues = _by(0, found, settings.QUEUES)
    names = _by(1, found, registered_names())
    limits = declared_limits()
    minutes = (now - since) / timedelta(minutes=1)
    return {
        "window": window,
        "since": since,
        "until": now,
        "resolution": {"percentile_at_most_above": 0.19},
        "queues": [
            {"queue": name, **_shown(one, minutes), **held(controls.get((Control.Kind.QUEUE, name)))}
            for name, one in queues.items()
        ],
        "names": [
            {"name": name, **_shown(one, minutes), **held(controls.get((Control.Kind.TASK, name)), limits.get(name))}
            for name, one in names.items()
        ],
    }


def _by(position: int, found: dict[tuple[str, str], Figures], known: Iterable[str]) -> dict[str, Figures]:
    """Added up by queue (0) or name (1); those the code knows come first, also without tasks."""
    result = {name: Figures() for name in known}
    for key, one in found.items():
        total = result.setdefault(key[position], Figures())
        total.live(one.due, one.deferred, one.oldest_s, one.running, one.longest_s)
        for counter in ("ended", "waits", "runs"):
            getattr(total, counter).update(getattr(one, counter))
    return result


def _shown(one: Figures, minutes: float) -> dict[str, Any]:
    decided = one.ended[Status.COMPLETED] + one.ended[Status.FAILED]
    return {
        "depth": one.due,
        "deferred": one.deferred,
        "oldest_waiting_s": round(one.oldest_s, 3) if one.due else None,
        "running": one.running,
        **{status.value: one.ended[status] for status in (Status.COMPLETED, Status.FAILED, Status.CANCELLED)},
        "completed_per_minute": round(one.ended[Status.COMPLETED] / minutes, 3),
        "failed_per_minute": round(one.ended[Status.FAILED] / minutes, 3),
        "success_rate": round(one.ended[Status.COMPLETED] / decided, 4) if decided else None,
        "run_s": {"p50": percentile(one.runs, 0.5), "p95": percentile(one.runs, 0.95)},
        "wait_s": {"p50": percentile(one.waits, 0.5), "p95": percentile(one.waits, 0.95)},
    }


def held(control: Control | None, declared: int | None = None) -> dict[str, Any]:
    """The pause and the limits of a queue or name. `max_running` is set by operators, beside the declared one."""
    return {
        "paused_at": control.paused_at if control else None,
        "paused_by": control.paused_by_id if control else None,
        "reason": control.reason if control else "",
        "max_running": control.max_running if control else None,
        "declared_max_running": declared,
    }
