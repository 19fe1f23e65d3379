"""Recordings on the dashboard: how many have features, and what was measured day by day."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from base.links import list_url, may_view
from base.panels import BAD, GOOD, Chart, Panel, Series
from recordings.extraction import coverage
from recordings.extraction.admin import covered
from recordings.models import Measurement, RecordingSession

DAYS = 14
MEASURED = """
SELECT (computed_at AT TIME ZONE 'UTC')::date, count(*) FILTER (WHERE error = ''), count(*) FILTER (WHERE error <> '')
FROM measurement_features
WHERE computed_at >= date_trunc('day', now(), 'UTC') - make_interval(days => %s) GROUP BY 1
"""


def cards(user: Any) -> list[Panel]:
    return [covered(coverage.coverage()), by_day()] if may_view(user, RecordingSession) else []


def by_day() -> Chart:
    with connection.cursor() as cursor:
        cursor.execute(MEASURED, [DAYS - 1])
        counts = {day: (measured, unreadable) for day, measured, unreadable in cursor.fetchall()}
    today = timezone.now().date()
    days = [today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    measured, unreadable = zip(*(counts.get(day, (0, 0)) for day in days), strict=True)
    return Chart(
        title=f"Measurements with features, last {DAYS} days",
        href=list_url(Measurement),
        labels=[f"{day:%d %b}" for day in days],
        series=[
            Series(label="measured", values=measured, tone=GOOD),
            Series(label="cannot be read", values=unreadable, tone=BAD),
        ],
    )
