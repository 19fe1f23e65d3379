"""Reports that may be the same problem, for who decides whether they are."""

from __future__ import annotations

from dataclasses import dataclass

from reports.duplicates.search import find_candidates
from reports.models import Report


@dataclass(frozen=True, slots=True)
class Lookalike:
    """probability: that both are one problem. days: from the other report to this one."""

    report: Report
    probability: float
    distance_m: float
    days: float


def find_lookalikes(report: Report, limit: int = 5) -> list[Lookalike]:
    """The likeliest first. Raises ArtifactError."""
    found = find_candidates(report, limit=limit)
    rows = Report.objects.select_related("category").in_bulk([one.report_id for one in found])
    return [
        Lookalike(rows[one.report_id], one.probability, one.distance_m, one.days)
        for one in found
        if one.report_id in rows
    ]
