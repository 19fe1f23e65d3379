"""Loans on the dashboard: what became of the requests of the last two weeks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone

from base.links import list_url, may_view
from base.panels import BAD, GOOD, WARN, Chart, Number, Panel, Series
from loans.models import LoanRequest, Notice, ReviewItem
from loans.notices.issue import overdue_count
from loans.review.work import overdue

DAYS = 14
BY_DAY = """
SELECT (created_at AT TIME ZONE 'UTC')::date, status, count(*) FROM loans_loanrequest
WHERE created_at >= date_trunc('day', now(), 'UTC') - make_interval(days => %s) GROUP BY 1, 2
"""


def cards(user: Any) -> list[Panel]:
    if not may_view(user, LoanRequest):
        return []
    with connection.cursor() as cursor:
        cursor.execute(BY_DAY, [DAYS - 1])
        counts = {(day, status): count for day, status, count in cursor.fetchall()}
    today = timezone.now().date()
    days = [today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    return [review(counts), *late(), decisions(counts, days)]


def late() -> list[Panel]:
    """Alarms: what reviewers should have decided, and borrowers who should have been told, by now."""
    reviews, notices = overdue().count(), overdue_count()
    shown = [
        (reviews, "Reviews overdue", f"not decided within {settings.REVIEW_HOURS} hours", ReviewItem),
        (notices, "Notices overdue", "30 days after the request nobody was told", Notice),
    ]
    return [
        Number(title=title, value=f"{count:,}", note=note, tone=BAD, href=list_url(model))
        for count, title, note, model in shown
        if count
    ]


def review(counts: dict) -> Number:
    waiting = sum(count for (_, status), count in counts.items() if status == LoanRequest.Status.PENDING)
    return Number(
        title="Loans in review",
        value=f"{waiting:,}",
        note=f"of {sum(counts.values()):,} requests in {DAYS} days",
        tone=WARN if waiting else GOOD,
        href=list_url(LoanRequest, "?status__exact=pending"),
    )


def decisions(counts: dict, days: list) -> Chart:
    kinds = [("approved", "approved", GOOD), ("pending", "in review", WARN), ("declined", "declined", BAD)]
    return Chart(
        title=f"Loan decisions, last {DAYS} days",
        href=list_url(LoanRequest),
        labels=[f"{day:%d %b}" for day in days],
        series=[
            Series(label=label, values=[counts.get((day, status), 0) for day in days], tone=tone)
            for status, label, tone in kinds
        ],
    )
