"""How many residents have a problem: those who confirmed a report or any merged into it, and who filed those."""

from __future__ import annotations

from django.db import connection

from reports.models import Report

# Each person once, and who filed the report itself not at all; without an account nobody is known to be another.
COUNT = """
UPDATE reports_report root SET confirmations_count = (
  SELECT count(DISTINCT who) FROM (
    SELECT c.user_id AS who FROM reports_confirmation c JOIN reports_report r ON r.id = c.report_id
    WHERE r.id = root.id OR r.merged_into_id = root.id
    UNION ALL
    SELECT r.reporter_id FROM reports_report r WHERE r.merged_into_id = root.id
  ) people WHERE who IS DISTINCT FROM root.reporter_id)
WHERE root.id = ANY(%s) RETURNING id, confirmations_count
"""


def count_people(*report_ids: int) -> dict[int, int]:
    """Set `confirmations_count` of reports that go on by themselves, from the rows. They must be locked."""
    with connection.cursor() as cursor:
        cursor.execute(COUNT, [sorted(report_ids)])
        return dict(cursor.fetchall())


def lock_with_root(report_id: int) -> Report:
    """The report and where it was merged into, locked in the order in which merging locks. Raises DoesNotExist."""
    rows = Report.objects.select_for_update(no_key=True, of=("self",)).order_by("pk")
    root_id = Report.objects.values_list("merged_into", flat=True).get(pk=report_id)
    found = {one.pk: one for one in rows.filter(pk__in=[report_id, *([root_id] if root_id else [])])}
    return found[report_id]
