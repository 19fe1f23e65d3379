"""Coverage over time: today's row of each feature set is renewed every hour, the others stay."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models.functions import Now, TruncDate
from django.utils import timezone

from features.catalogue import set_id
from features.definitions import feature_sets
from features.models import CoverageDay
from features.values.coverage import coverage

MEASURES = ["total", "with_features", "stale", "failed"]


def note() -> int:
    """Write or renew today's rows (UTC); returns how many."""
    rows = [
        CoverageDay(feature_set_id=set_id(each), date=TruncDate(Now()), **{m: getattr(found, m) for m in MEASURES})
        for each, found in zip(feature_sets(), coverage(), strict=True)
    ]
    CoverageDay.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["feature_set", "date"], update_fields=MEASURES
    )
    return len(rows)


def days(number: int) -> list[dict[str, Any]]:
    """The rows of so many days, today included, by day and set."""
    first = timezone.now().date() - timedelta(days=number - 1)
    rows = CoverageDay.objects.filter(date__gte=first).select_related("feature_set")
    rows = rows.order_by("date", "feature_set__name", "feature_set__version")
    return [
        {
            "date": row.date,
            "feature_set": row.feature_set.name,
            "version": row.feature_set.version,
            "total": row.total,
            "with_features": row.with_features,
            "without_features": row.without_features,
            "stale": row.stale,
            "failed": row.failed,
        }
        for row in rows
    ]
