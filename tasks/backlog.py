"""What waits and what runs now, by queue and task name: from the live rows, by index, counted up to a limit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import connection

COUNT_TO = 5_000  # of a queue; who has more needs no exact figure, and a page must not read a million rows
# The order is that of the index of due tasks, so the most urgent are counted first and nothing is sorted.
WAITING = """
SELECT q.name, t.name, count(*), statement_timestamp() - min(t.run_after)
FROM unnest(%s::text[]) AS q(name) CROSS JOIN LATERAL (
  SELECT name, run_after FROM tasks_task
  WHERE status = 'pending' AND queue_name = q.name AND run_after <= statement_timestamp()
  ORDER BY priority DESC, run_after LIMIT %s
) t GROUP BY 1, 2
"""
RUNNING = "SELECT queue_name, name, count(*) FROM tasks_task WHERE status = 'processing' GROUP BY 1, 2"


@dataclass(slots=True)
class Backlog:
    """waiting: tasks that are due. oldest: how long the first of them has been due. is_cut: there are more of them."""

    waiting: int = 0
    running: int = 0
    oldest: timedelta | None = None
    is_cut: bool = False

    def shown(self) -> str:
        return f"{self.waiting:,}+" if self.is_cut else f"{self.waiting:,}"

    def add(self, other: Backlog) -> None:
        self.waiting += other.waiting
        self.running += other.running
        self.oldest = max(filter(None, [self.oldest, other.oldest]), default=None)
        self.is_cut = self.is_cut or other.is_cut


def live() -> dict[tuple[str, str], Backlog]:
    """By (queue, task name); what neither waits nor runs is not there."""
    found: dict[tuple[str, str], Backlog] = {}
    with connection.cursor() as cursor:
        cursor.execute(WAITING, [list(settings.QUEUES), COUNT_TO])
        for queue, name, count, oldest in cursor.fetchall():
            found[queue, name] = Backlog(waiting=count, oldest=oldest)
        cursor.execute(RUNNING)
        for queue, name, count in cursor.fetchall():
            found.setdefault((queue, name), Backlog()).running = count
    for queue, total in by_queue(found).items():
        if total.waiting >= COUNT_TO:
            for (other, _), backlog in found.items():
                backlog.is_cut = backlog.is_cut or other == queue
    return found


def by_queue(found: Mapping[tuple[str, str], Backlog]) -> dict[str, Backlog]:
    return _sums((queue, backlog) for (queue, _), backlog in found.items())


def by_name(found: Mapping[tuple[str, str], Backlog]) -> dict[str, Backlog]:
    return _sums((name, backlog) for (_, name), backlog in found.items())


def _sums(parts: Iterable[tuple[str, Backlog]]) -> dict[str, Backlog]:
    sums: dict[str, Backlog] = {}
    for key, backlog in parts:
        sums.setdefault(key, Backlog()).add(backlog)
    return sums
