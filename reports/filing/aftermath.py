"""What follows from filing and need not make anybody wait: trail, events and points, for many reports at once."""

from __future__ import annotations

from collections.abc import Sequence

from audit.models import Entry
from audit.services import store_entries
from features.services import ingest
from reports import happenings
from reports.filing.points import give_points_to_many
from reports.models import Waiting


def tell_filed(waiting: Sequence[Waiting]) -> None:
    """For reports in the batch that has classified them, in its transaction; told again it counts once.

    waiting: with their reports, whose category is the one the events tell.
    """
    new = [one for one in waiting if one.filed]  # a report that is only looked at anew was told before
    store_entries([_entry(one) for one in new])
    ingest([event for one in new for event in happenings.filed(one.report)])
    give_points_to_many("filed", [(one.report.reporter_id, ("report", str(one.report_id))) for one in new])


def _entry(one: Waiting) -> Entry:
    report = one.report
    return Entry(
        action="report_created",
        entity_type="report",
        entity_id=str(report.pk),
        actor=one.filed["actor"],
        ip=report.ip,
        user_agent=one.filed["user_agent"],
        correlation_id=one.filed["correlation_id"],
        at=report.reported_at,
        metadata={"source": report.source, "category": report.category_id, "severity": report.severity},
    )
