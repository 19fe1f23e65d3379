"""Policies on the dashboard: what was paid and what failed in the last two weeks, and how many quotes are bound."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from base.links import list_url, may_view
from base.panels import BAD, GOOD, IDLE, WARN, Chart, Number, Panel, Series
from policies.models import PaymentTransaction, Quote

DAYS = 14
ALARMING = 0.15  # share of the payments
BY_DAY = """
SELECT (attempted_at AT TIME ZONE 'UTC')::date, status, count(*) FROM policies_paymenttransaction
WHERE attempted_at >= date_trunc('day', now(), 'UTC') - make_interval(days => %s) AND attempted_at <= now()
GROUP BY 1, 2
"""
BOUND = """
SELECT count(*), count(bound_at) FROM policies_quote
WHERE created_at >= now() - make_interval(days => %s)
"""


def cards(user: Any) -> list[Panel]:
    panels: list[Panel] = []
    if may_view(user, PaymentTransaction):
        counts = payments_by_day()
        panels += [failures(counts), payments(counts)]
    if may_view(user, Quote):
        panels.append(quotes())
    return panels


def payments_by_day() -> dict:
    with connection.cursor() as cursor:
        cursor.execute(BY_DAY, [DAYS - 1])
        return {(day, status): count for day, status, count in cursor.fetchall()}


def failures(counts: dict) -> Number:
    total = sum(counts.values())
    failed = sum(count for (_, status), count in counts.items() if status == PaymentTransaction.Status.FAILED)
    share = failed / total if total else 0
    return Number(
        title="Payments that fail",
        value=f"{100 * share:.1f} %" if total else "none",
        note=f"{failed:,} of {total:,} in {DAYS} days",
        tone=IDLE if not total else BAD if share > ALARMING else WARN if failed else GOOD,
        href=list_url(PaymentTransaction, "?status__exact=failed"),
    )


def payments(counts: dict) -> Chart:
    today = timezone.now().date()
    days = [today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    return Chart(
        title=f"Payments, last {DAYS} days",
        href=list_url(PaymentTransaction),
        labels=[f"{day:%d %b}" for day in days],
        series=[
            Series(label=status, values=[counts.get((day, status), 0) for day in days], tone=tone)
            for status, tone in (("succeeded", GOOD), ("failed", BAD))
        ],
    )


def quotes() -> Number:
    with connection.cursor() as cursor:
        cursor.execute(BOUND, [DAYS])
        total, bound = cursor.fetchone()
    return Number(
        title="Quotes bound",
        value=f"{100 * bound / total:.0f} %" if total else "none",
        note=f"{bound:,} of {total:,} quotes of {DAYS} days",
        tone=GOOD if bound else IDLE,
        href=list_url(Quote),
    )
