"""How long there still is: for the reviewer, and for the department after."""

from __future__ import annotations

from datetime import datetime, timedelta

from reports.models import Report


def resolve_by(report: Report) -> datetime | None:
    """By when a report should be solved; None while nobody knows its category."""
    if report.category is None:
        return None
    return report.reported_at + timedelta(hours=report.category.resolve_hours)
