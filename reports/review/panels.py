"""What a reviewer looks at: the report, what the machine said, where it is, what is like it, what happened to it."""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter
from typing import Any, ClassVar

import h3
from django.db.models import Count
from django.utils import timezone
from django.utils.html import format_html_join

from base.links import row_link
from base.panels import BAD, BUSY, GOOD, IDLE, WARN, Facts, Panel, Table, ago, badge, when
from reports.models import Report, ReviewDecision, ReviewItem
from reports.review.case import Case
from reports.review.clock import left, resolve_by
from reports.review.highlight import Piece, pieces
from reports.review.models import Why
from reports.review.sketch import Sketch, Spot, draw

STATUSES = {
    Report.Status.RECEIVED: IDLE,
    Report.Status.ACKNOWLEDGED: BUSY,
    Report.Status.IN_PROGRESS: BUSY,
    Report.Status.RESOLVED: GOOD,
    Report.Status.REJECTED: BAD,
    Report.Status.DUPLICATE: WARN,
}
SEVERITIES = {"low": IDLE, "medium": IDLE, "high": WARN, "critical": BAD}
WHYS = {Why.URGENT: BAD, Why.ABUSE: BAD, Why.FLAGGED: WARN, Why.LIKELY_DUPLICATE: BUSY, Why.LOW_CONFIDENCE: IDLE}
NEARBY = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Story(Panel):
    """What the resident wrote, with the words that made the model's mind up."""

    template: ClassVar[str] = "reports/panels/story.html"
    report: Report
    pieces: list[Piece]
    filed: str
    category: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict(Panel):
    """What the model thinks, likeliest first."""

    template: ClassVar[str] = "reports/panels/verdict.html"
    case: Case


@dataclass(frozen=True, slots=True, kw_only=True)
class Place(Panel):
    template: ClassVar[str] = "reports/panels/place.html"
    report: Report
    sketch: Sketch


def story_panel(case: Case) -> Story:
    return Story(
        title=f"Report {case.report.pk}",
        report=case.report,
        pieces=pieces(case.report.description, case.words),
        filed=ago(case.report.reported_at),
        category=case.stands.name if case.suggestion and case.stands else "",
    )


def verdict_panel(case: Case) -> Verdict:
    return Verdict(title="Suggested category", case=case)


def lookalikes_panel(user: Any, case: Case) -> Table:
    rows = [
        (key, row_link(user, Report, one.report.pk, one.report.title), f"{100 * one.probability:.0f} %",
         f"{one.distance_m:,.0f} m", apart(one.days), one.report.category,
         badge(one.report.get_status_display(), STATUSES[Report.Status(one.report.status)]))
        for key, one in case.lookalikes
    ]  # fmt: skip
    headers = ["Key", "Report", "Same problem", "Distance", "Reported", "Category", "Status"]
    return Table(title="Likely duplicates", headers=headers, rows=rows, empty="Nothing like it is near.")


def apart(days: float) -> str:
    if days < 1:
        return f"{24 * days:.0f} h before"
    return f"{days:.0f} day{'s' if round(days) > 1 else ''} before"


def place_panel(case: Case) -> Place:
    report, shown = case.report, {one.report.pk for _, one in case.lookalikes}
    spots = [
        Spot(one.report.latitude, one.report.longitude, f"{key}: {one.report.title}", key)
        for key, one in case.lookalikes
    ]
    others = Report.objects.filter(cell__in=h3.grid_disk(report.cell, 1)).exclude(pk__in=[report.pk, *shown])
    others = others.exclude(status=Report.Status.REJECTED).order_by("-reported_at", "-id")
    near = [Spot(one.latitude, one.longitude, one.title) for one in others[:NEARBY]]
    middle = report.latitude, report.longitude
    sketch = draw(middle, [*near, *spots], h3.cell_to_boundary(report.cell))
    return Place(title="Where", report=report, sketch=sketch, side=True)


def history_panel(report: Report) -> Table:
    """Steps and decisions, the newest first."""
    steps = [
        (step.at, f"{step.get_from_status_display() or 'new'} → {step.get_to_status_display()}", step.by, step.note)
        for step in report.history.select_related("by").order_by("-id")[:20]
    ]
    decisions = [
        (one.at, badge(one.get_kind_display(), IDLE), one.by, one.note or one.public_text)
        for one in ReviewDecision.objects.filter(report=report).select_related("by")[:20]
    ]
    told = sorted([*steps, *decisions], key=itemgetter(0), reverse=True)
    rows = [(when(at), what, by or "", text) for at, what, by, text in told]
    return Table(title="History", headers=["At", "Step", "By", "Note"], rows=rows, empty="It arrived.")


def clock_facts(user: Any, case: Case) -> Facts:
    row, report = case.item, case.report
    now, waits = timezone.now(), row.status != ReviewItem.Status.DONE
    solved = resolve_by(report) if report.closed_at is None else None
    return Facts(
        title="Review",
        side=True,
        rows=[
            ("Why", whys(row)),
            ("Risk", f"{100 * row.risk:.0f} %"),
            ("Decide", badge(*left(row.due_at, now=now)) if waits else ""),
            ("Solve", badge(*left(solved, now=now)) if solved else ""),
            ("Status", badge(report.get_status_display(), STATUSES[Report.Status(report.status)])),
            ("Severity", badge(report.get_severity_display(), SEVERITIES[report.severity])),
            ("Department", row.department),
            ("In the queue", when(row.opened_at)),
            ("Decided", when(row.decided_at)),
            *found_by(row),
        ],
    )


def found_by(row: ReviewItem) -> list[tuple[str, Any]]:
    """What each reason was found by, as far as it is said in single values."""
    return [
        (f"{Why(code).label}: {name.replace('_', ' ')}", value)
        for code, told in row.details.items()
        for name, value in told.items()
        if isinstance(value, str | int | float)
    ]


def resident_facts(user: Any, report: Report) -> Facts:
    person = report.reporter
    if person is None:
        return Facts(title="Resident", side=True, rows=[("Account", "none: filed without one")])
    mine = Report.objects.filter(reporter=person).order_by("-reported_at", "-id")[:200]
    filed = Report.objects.filter(pk__in=mine.values("pk")).order_by().values_list("status").annotate(Count("pk"))
    counts = dict(filed)
    tone = GOOD if person.reputation > 0 else BAD if person.reputation < 0 else IDLE
    return Facts(
        title="Resident",
        side=True,
        rows=[
            ("Account", row_link(user, type(person), person.pk, person)),
            ("Reputation", badge(person.reputation, tone)),
            (
                "Reports",
                ", ".join(f"{count} {Report.Status(status).label.lower()}" for status, count in counts.items()),
            ),
            ("Since", f"{person.date_joined:%Y-%m-%d}"),
        ],
    )


def whys(row: ReviewItem) -> str:
    shown = ((badge(Why(code).label, WHYS[Why(code)]),) for code in row.why)
    return format_html_join(" ", "{}", shown)
