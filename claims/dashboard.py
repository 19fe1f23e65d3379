"""Claims on the dashboard: what was verified in the last two weeks, how often we abstained, and what flipped."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from base.links import list_url, may_view
from base.panels import BAD, GOOD, IDLE, WARN, Chart, Number, Panel, Series
from claims.models import Claim, Label, Verdict, VerificationRun

DAYS = 14
BY_DAY = """
SELECT (decided_at AT TIME ZONE 'UTC')::date, label, count(*), count(*) FILTER (WHERE flipped) FROM claims_verdict
WHERE decided_at >= date_trunc('day', now(), 'UTC') - make_interval(days => %s) GROUP BY 1, 2
"""
KINDS = [
    (Label.SUPPORTED, GOOD),
    (Label.REFUTED, BAD),
    (Label.DISPUTED, WARN),
    (Label.NOT_ENOUGH_INFO, IDLE),
]


def cards(user: Any) -> list[Panel]:
    if not may_view(user, Claim):
        return []
    with connection.cursor() as cursor:
        cursor.execute(BY_DAY, [DAYS - 1])
        rows = cursor.fetchall()
    counts = {(day, label): count for day, label, count, _ in rows}
    return [*failed(), abstained(counts), flips(sum(flipped for *_, flipped in rows)), verdicts(counts)]


def failed() -> list[Panel]:
    """An alarm: verifications of the last day that ended without a verdict."""
    since = timezone.now() - timedelta(days=1)
    count = VerificationRun.objects.filter(status=VerificationRun.Status.FAILED, finished_at__gte=since).count()
    href = list_url(VerificationRun, "?status__exact=failed")
    shown = Number(title="Verifications failed", value=f"{count:,}", note="in 24 hours", tone=BAD, href=href)
    return [shown] if count else []


def abstained(counts: dict) -> Number:
    total = sum(counts.values())
    without = sum(count for (_, label), count in counts.items() if label == Label.NOT_ENOUGH_INFO)
    return Number(
        title="Claims without enough evidence",
        value=f"{without / total:.0%}" if total else "–",
        note=f"of {total:,} verifications in {DAYS} days",
        href=list_url(Verdict, f"?label__exact={Label.NOT_ENOUGH_INFO}"),
    )


def flips(count: int) -> Number:
    return Number(
        title="Verdicts flipped",
        value=f"{count:,}",
        note=f"in {DAYS} days, as evidence or models changed",
        tone=WARN if count else IDLE,
        href=list_url(Verdict, "?flipped__exact=1"),
    )


def verdicts(counts: dict) -> Chart:
    today = timezone.now().date()
    days = [today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    return Chart(
        title=f"Verdicts, last {DAYS} days",
        href=list_url(Verdict),
        labels=[f"{day:%d %b}" for day in days],
        series=[
            Series(label=label.label.lower(), values=[counts.get((day, label), 0) for day in days], tone=tone)
            for label, tone in KINDS
        ],
    )
