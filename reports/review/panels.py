"""What a reviewer looks at: the report, what the machine said, where it is, what is like it, what happened to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from django.db.models import Count
from django.utils import timezone
from django.utils.html import format_html_join

from base.admin import page_of
from base.links import row_link
from base.panels import BAD, BUSY, GOOD, IDLE, WARN, Drawing, Facts, Panel, Table, ago, badge, when
from reports.duplicates.panels import BLIND
from reports.filing import neighbours
from reports.filing.admin import severity_badge, state_badge
from reports.models import Report, ReviewItem
from reports.review.case import Case
from reports.review.clock import left, resolve_by
from reports.review.highlight import Piece, pieces
from reports.review.models import Why

WHYS = {Why.URGENT: BAD, Why.ABUSE: BAD, Why.FLAGGED: WARN, Why.LIKELY_DUPLICATE: BUSY, Why.LOW_CONFIDENCE: IDLE}


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


def story_panel(case: Case) -> Story:
    return Story(
        title=f"Report {case.report.pk}",
        report=case.report,
        pieces=pieces(case.report.description, case.words),
        filed=ago(case.report.reported_at),
        category=next((one.category.name for one in case.named if one.suggested), ""),
    )


def verdict_panel(case: Case) -> Verdict:
    return Verdict(title="Suggested category", case=case)


def lookalikes_panel(user: Any, case: Case) -> Table:
    rows = [
        (key, row_link(user, Report, one.report.pk, one.report.title), f"{100 * one.probability:.0f} %",
         f"{one.distance_m:,.0f} m", apart(one.days), one.report.category,
         state_badge(one.report))
        for key, one in case.lookalikes
    ]  # fmt: skip
    headers = ["Key", "Report", "Same problem", "Distance", "Reported", "Category", "Status"]
    empty = BLIND if case.found is None else "Nothing like it is near."
    return Table(title="Likely duplicates", headers=headers, rows=rows, empty=empty)


def apart(days: float) -> str:
    if days < 1:
        return f"{24 * days:.0f} h before"
    return f"{days:.0f} day{'s' if round(days) > 1 else ''} before"


def place_panel(case: Case) -> Drawing:
    """What is around, the likely duplicates with the keys that choose them."""
    report, signs = case.report, {one.report.pk: key for key, one in case.lookalikes}
    others = neighbours.around(report)
    seen = {one.pk for one in others}
    others += [one.report for _, one in case.lookalikes if one.report.pk not in seen]
    place = f"{report.address or 'No address'} · {report.latitude:.5f}, {report.longitude:.5f}"
    svg = neighbours.draw(report, others, page_of, signs, width=neighbours.HEIGHT)
    return Drawing(title="Where", svg=svg, note=place, side=True)


def decisions_panel(report: Report) -> list[Panel]:
    """Earlier reviews of the report, and what this one came to."""
    rows = [
        (when(one.at), badge(one.get_kind_display()), one.by or "nobody", one.category or "", one.note)
        for one in report.review_decisions.select_related("by", "category")
    ]
    headers = ["At", "Decision", "By", "Category", "Note"]
    return [Table(title="Decisions", headers=headers, rows=rows)] if rows else []


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
            ("Status", state_badge(report)),
            ("Severity", severity_badge(report)),
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
