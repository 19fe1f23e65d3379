"""The feature store on the dashboard: coverage of each set, and what still has to be counted."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date
from typing import Any

from django.db import connection

from base.links import list_url, may_view
from base.panels import BAD, GOOD, IDLE, WARN, Bar, Bars, Chart, Number, Panel, Series, lasting
from features.models import FeatureSetVersion, QualityAlert, RawEvent
from features.values.coverage import Coverage, coverage
from features.values.coverage_days import days

BACKLOG = """
SELECT coalesce(sum(events), 0), (SELECT count(*) FROM features_failedentity),
  now() - min(since) FILTER (WHERE events > 0 AND latest <= now())
FROM features_staleentity
"""


def cards(user: Any) -> list[Panel]:
    panels: list[Panel] = []
    found = coverage() if may_view(user, FeatureSetVersion) else []
    if may_view(user, RawEvent):
        panels.append(backlog())
    if may_view(user, FeatureSetVersion):
        panels += [stale(found), sets(found), coverage_chart("Coverage of all sets, last 30 days", days(30))]
    if may_view(user, QualityAlert):
        panels.append(drift())
    return panels


def backlog() -> Number:
    with connection.cursor() as cursor:
        cursor.execute(BACKLOG)
        count, errors, oldest = cursor.fetchone()
    note = f"{errors:,} entities failed" + (f", oldest waits {lasting(oldest)}" if oldest else "")
    return Number(
        title="Events not counted yet",
        value=f"{count:,}",
        note=note if count or errors else "every event is in the features",
        tone=BAD if errors else WARN if count else GOOD,
        href=list_url(RawEvent, "?processing=waits"),
    )


def stale(found: list[Coverage]) -> Number:
    """Entities of an entity type are the same in each of its sets, so the worst set speaks for all."""
    worst: dict[str, int] = {}
    for row in found:
        behind = row.stale + row.without_features
        worst[row.entity_type] = max(worst.get(row.entity_type, 0), behind)
    total = sum(worst.values())
    return Number(
        title="Entities behind",
        value=f"{total:,}",
        note="stale, or without features" if total else "all features are up to date",
        tone=WARN if total else GOOD,
        href=list_url(FeatureSetVersion),
    )


def drift() -> Number:
    """Features whose values lie far from their reference, and what else is wrong with them."""
    alerts = QualityAlert.objects.filter(closed_at=None)
    drifted = alerts.filter(kind=QualityAlert.Kind.DRIFT).count()
    others = alerts.exclude(kind=QualityAlert.Kind.DRIFT).count()
    return Number(
        title="Drift",
        value=f"{drifted:,}",
        note=f"features drifted, {others:,} other alerts" if drifted or others else "every feature is what it was",
        tone=BAD if drifted else WARN if others else GOOD,
        href=list_url(QualityAlert, "?state=open"),
    )


def sets(found: list[Coverage]) -> Bars:
    ids = {(row.name, row.version): row.pk for row in FeatureSetVersion.objects.only("name", "version")}
    return Bars(
        title="Feature coverage",
        empty="No feature set is declared.",
        bars=[
            Bar(
                title=f"{row.feature_set}@{row.version}",
                percent=row.percent,
                note=note(row),
                href=list_url(FeatureSetVersion) + f"{ids[row.feature_set, row.version]}/change/",
                tone=IDLE if not row.total else GOOD if row.percent >= 99 else WARN,
            )
            for row in found
        ],
    )


def note(row: Coverage) -> str:
    if not row.total:
        return "nothing to cover yet"
    return f"{row.with_features:,} of {row.total:,} {row.entity_type}s, {row.stale:,} stale, {row.failed:,} failed"


def coverage_chart(title: str, rows: list[dict[str, Any]], *, width: int = 6) -> Chart:
    """Entities by day (UTC), summed over feature sets: up to date, stale, without features."""
    by_day: dict[date, Counter[str]] = defaultdict(Counter)
    for row in rows:
        fresh = max(row["with_features"] - row["stale"], 0)
        by_day[row["date"]].update(fresh=fresh, stale=row["stale"], without=row["without_features"])
    return Chart(
        title=title,
        labels=[f"{day:%d %b}" for day in by_day],
        series=[
            Series(label="up to date", values=[day["fresh"] for day in by_day.values()], tone=GOOD),
            Series(label="stale", values=[day["stale"] for day in by_day.values()], tone=WARN),
            Series(label="without features", values=[day["without"] for day in by_day.values()], tone=IDLE),
        ],
        width=width,
    )
