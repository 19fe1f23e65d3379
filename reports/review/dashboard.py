"""Reviews on the dashboard: what waits too long, who decided what, and how often the model is right."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from base.links import list_url, may_view
from base.panels import BAD, GOOD, IDLE, WARN, Bar, Bars, Chart, Number, Panel, Series, Table, lasting, some
from reports.models import ReviewDecision, ReviewItem
from reports.review import statistics, work

COUNT_TO = 10_000
DAYS, LONG_DAYS = 14, 28
Kind = ReviewDecision.Kind
TONES = {Kind.ACCEPTED: GOOD, Kind.CORRECTED: WARN, Kind.MERGED: IDLE, Kind.REJECTED: BAD}
LOW = 60  # percent of agreement below which a category needs a look


def cards(user: Any) -> list[Panel]:
    if not may_view(user, ReviewItem):
        return []
    return [waiting(user), *late(user), wait(user), by_day(user), agreement(user), reviewers(user)]


def waiting(user: Any) -> Number:
    count = work.waiting_items(user).order_by().values("pk")[: COUNT_TO + 1].count()
    return Number(
        title="Reports in review",
        value=some(count, COUNT_TO),
        note="what the model leaves to people",
        tone=WARN if count else GOOD,
        href=list_url(ReviewItem),
    )


def late(user: Any) -> list[Panel]:
    """An alarm: what reviewers should have decided by now, and whether that is more than an hour ago."""
    count = work.overdue_items(user).order_by().values("pk")[: COUNT_TO + 1].count()
    if not count:
        return []
    before = work.overdue_items(user, at=timezone.now() - timedelta(hours=1)).values("pk")[: COUNT_TO + 1].count()
    trend = "growing" if count > before else "shrinking" if count < before else "as many as"
    return [
        Number(
            title="Report reviews overdue",
            value=some(count, COUNT_TO),
            note=f"{trend}{' an hour ago' if count == before else f': {before:,} an hour ago'}",
            tone=BAD,
            href=list_url(ReviewItem, "?part=overdue"),
        )
    ]


def wait(user: Any) -> Number:
    span = statistics.median_wait(user, days=DAYS)
    return Number(
        title="Median time in review",
        value=lasting(span) or "none",
        note=f"of reports decided in {DAYS} days",
        tone=GOOD,
        href=list_url(ReviewItem, "?part=done"),
    )


def by_day(user: Any) -> Chart:
    counts, today = statistics.by_day(user, days=DAYS), timezone.now().date()
    days = [today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    return Chart(
        title=f"Reports reviewed, last {DAYS} days",
        href=list_url(ReviewItem, "?part=done"),
        labels=[f"{day:%d %b}" for day in days],
        series=[
            Series(label=kind.label.lower(), values=[counts.get((day, kind), 0) for day in days], tone=tone)
            for kind, tone in TONES.items()
        ],
    )


def agreement(user: Any) -> Bars:
    bars = [
        Bar(
            title=one.name,
            percent=round(100 * one.share),
            note=f"{one.right:,} of {one.total:,} suggestions",
            tone=GOOD if 100 * one.share >= LOW else WARN,
        )
        for one in statistics.agreement(user, days=LONG_DAYS)[:8]
    ]
    empty = f"Nothing that the model suggested was decided in {LONG_DAYS} days."
    return Bars(title=f"Reviewers agree with the model, {LONG_DAYS} days", bars=bars, empty=empty)


def reviewers(user: Any) -> Table:
    rows = [
        (row["name"], row["today"], *(row[kind] for kind in TONES), row["total"])
        for row in statistics.by_reviewer(user, days=DAYS)
    ]
    headers = ["Reviewer", "Today", *(kind.label for kind in TONES), f"{DAYS} days"]
    return Table(title="Decisions by reviewer", headers=headers, rows=rows)
