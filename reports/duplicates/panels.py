"""What the console shows of duplicates."""

from __future__ import annotations

from typing import Any

from base.artifacts import ArtifactError
from base.links import row_link
from base.panels import BAD, BUSY, GOOD, IDLE, WARN, Panel, Table, badge, meter, when
from reports.duplicates.linking import OPEN
from reports.duplicates.search import find_candidates
from reports.models import DuplicateLink, Report

BLIND = "They cannot be looked for now: the finder of duplicates cannot be read. Merging by number works."
STATES = {"suggested": BUSY, "merged": GOOD, "rejected": BAD, "unmerged": WARN}


def duplicates_panels(user: Any, report: Report) -> list[Panel]:
    """What the report may be a duplicate of while somebody could act on it, and what was said; nothing if nothing."""
    shown = [candidates_panel(report, user)] if report.status in OPEN else []
    return [panel for panel in [*shown, links_panel(report, user)] if panel.rows or panel.empty == BLIND]


def candidates_panel(report: Report, user: Any = None) -> Table:
    """What the report may be a duplicate of, with the model's probability. user: who follows the links."""
    title = "Perhaps a duplicate of"
    try:
        found = find_candidates(report)
    except ArtifactError:
        return Table(title=title, headers=[], rows=[], empty=BLIND)
    others = Report.objects.in_bulk([one.report_id for one in found])
    rows = [
        (
            row_link(user, Report, one.report_id, others[one.report_id].title) if user else others[one.report_id].title,
            meter(100 * one.probability, f"{one.probability:.0%}", WARN if one.probability > 0.5 else IDLE),
            f"{one.distance_m:.0f} m",
            f"{one.days:.1f} days before",
            badge(others[one.report_id].get_status_display()),
        )
        for one in found
        if one.report_id in others
    ]
    headers = ["Report", "The same", "Away", "Filed", "Status"]
    return Table(title=title, headers=headers, rows=rows, empty="Nothing like it is near.")


def links_panel(report: Report, user: Any) -> Table:
    """What was said about the report and others."""
    said = DuplicateLink.objects.filter(report=report) | DuplicateLink.objects.filter(original=report)
    rows = [
        (
            row_link(user, Report, one.report_id),
            row_link(user, Report, one.original_id),
            badge(one.get_state_display(), STATES[one.state]),
            "" if one.probability is None else f"{one.probability:.0%}",
            f"{one.distance_m:.0f} m",
            f"{one.days:.1f} days",
            one.decided_by or "",
            when(one.decided_at) if one.decided_at else "",
            one.note,
        )
        for one in said.select_related("decided_by").order_by("-id")[:20]
    ]
    headers = ["Report", "Original", "", "Probability", "Away", "Between", "By", "At", "Note"]
    return Table(title="Duplicates", headers=headers, rows=rows)
