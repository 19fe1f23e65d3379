"""How many residents have a problem: those who confirmed a report or any merged into it, and who filed those.

Reports of other systems come with votes of people nobody knows; they stay with their report, and go where it goes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from reports.models import Report

# Each person once, and who filed the report itself not at all; without an account nobody is known to be another.
KNOWN = """
SELECT root.confirmations_count, (
  SELECT count(DISTINCT who) FROM (
    SELECT c.user_id AS who FROM reports_confirmation c JOIN reports_report r ON r.id = c.report_id
    WHERE r.id = root.id OR r.merged_into_id = root.id
    UNION ALL
    SELECT r.reporter_id FROM reports_report r WHERE r.merged_into_id = root.id
  ) people WHERE who IS DISTINCT FROM root.reporter_id
) + coalesce((
  SELECT sum(l.votes) FROM reports_duplicatelink l JOIN reports_report r ON r.id = l.report_id
  WHERE l.state = 'merged' AND r.merged_into_id = root.id
), 0)
FROM reports_report root WHERE root.id = %s
"""


@contextmanager
def counting(report_id: int) -> Iterator[None]:
    """Bring `confirmations_count` up to date with what happens inside. The report goes on by itself and is locked."""
    votes = own_votes(report_id)
    yield
    set_count(report_id, votes)


def own_votes(report_id: int) -> int:
    """People who have the problem, beyond those of the rows."""
    count, known = _count(report_id)
    return max(0, count - known)


def set_count(report_id: int, votes: int) -> None:
    _, known = _count(report_id)
    Report.objects.filter(pk=report_id).update(confirmations_count=known + votes)


def _count(report_id: int) -> tuple[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(KNOWN, [report_id])
        count, known = cursor.fetchone()
    return count, int(known)
