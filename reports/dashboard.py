"""Reports on the dashboard: what comes in and what is closed, who has open ones, and how long it takes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from base.links import list_url, may_view
from base.panels import BAD, BUSY, GOOD, WARN, Bar, Bars, Chart, Number, Panel, Series
from reports.models import Report, Waiting
from reports.review import dashboard as reviews

DAYS = 14
BUSY_FROM = 500  # reports that wait
FILED = """
SELECT (reported_at AT TIME ZONE 'UTC')::date, count(*) FROM reports_report
WHERE reported_at >= date_trunc('day', now(), 'UTC') - make_interval(days => %s) GROUP BY 1
"""
CLOSED = """
SELECT (at AT TIME ZONE 'UTC')::date, to_status, count(*) FROM reports_statuschange
WHERE at >= date_trunc('day', now(), 'UTC') - make_interval(days => %s)
  AND to_status IN ('resolved', 'rejected', 'duplicate') GROUP BY 1, 2
"""
OPEN = """
SELECT department.name, department.code, open.open, open.late
FROM reports_department department JOIN (
  SELECT report.department_id, count(*) AS open,
    count(*) FILTER (WHERE report.reported_at + make_interval(hours => category.resolve_hours) < now()) AS late
  FROM reports_report report JOIN reports_category category ON category.code = report.category_id
  WHERE report.status IN ('received', 'acknowledged', 'in_progress') GROUP BY 1
) open ON open.department_id = department.code ORDER BY open.open DESC
"""
MEDIAN = """
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY report.closed_at - report.reported_at), count(*)
FROM reports_report report WHERE report.status = 'resolved' AND report.closed_at >= now() - make_interval(days => %s)
"""


def cards(user: Any) -> list[Panel]:
    own = [median(), waiting(), by_day(), by_department()] if may_view(user, Report) else []
    return [*own, *reviews.cards(user)]


def median() -> Number:
    span, count = _rows(MEDIAN, [DAYS])[0]
    shown = "none" if span is None else f"{span.total_seconds() / 3600:,.0f} h"
    return Number(
        title="Median time to resolve",
        value=shown,
        note=f"of {count:,} reports resolved in {DAYS} days",
        tone=GOOD,
        href=list_url(Report, "?status__exact=resolved"),
    )


def waiting() -> Number:
    count = Waiting.objects.count()
    tone = WARN if count > BUSY_FROM else GOOD
    return Number(title="Reports to be classified", value=f"{count:,}", note="taken in batches", tone=tone)


def by_day() -> Chart:
    filed = dict(_rows(FILED, [DAYS - 1]))
    closed = {(day, status): count for day, status, count in _rows(CLOSED, [DAYS - 1])}
    today = timezone.now().date()
    days = [today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    kinds = [("resolved", GOOD), ("rejected", BAD), ("duplicate", WARN)]
    series = [Series(label="filed", values=[filed.get(day, 0) for day in days], tone=BUSY)]
    series += [
        Series(label=status, values=[closed.get((day, status), 0) for day in days], tone=tone) for status, tone in kinds
    ]
    return Chart(
        title=f"Reports, last {DAYS} days",
        href=list_url(Report),
        kind="line",
        labels=[f"{day:%d %b}" for day in days],
        series=series,
    )


def by_department() -> Bars:
    """Open reports of each department, and the share of them that is past what it promises."""
    bars = [
        Bar(
            title=f"{name}: {count:,} open",
            percent=round(100 * late / count),
            note=f"{late:,} past the time promised",
            href=list_url(Report, f"?department__code__exact={code}"),
            tone=BAD if late > count / 2 else WARN if late else GOOD,
        )
        for name, code, count, late in _rows(OPEN, [])
    ]
    return Bars(title="Open by department", bars=bars)


def _rows(query: str, values: list[Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return cursor.fetchall()
