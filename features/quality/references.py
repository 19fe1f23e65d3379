"""What snapshots are held against: a version's first days, or a period that somebody chose."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Min

from audit.services import log_audit_event
from base import context
from features.models import FeatureSetVersion
from features.quality import drift
from features.quality.measure import WORDS
from features.quality.models import QualityReference, QualitySnapshot

FIRST_DAYS = timedelta(days=7)
SAMPLE = 2_000  # values of a feature that a reference keeps


class NothingToTake(Exception):
    """No snapshot of the set lies in the period."""


def references(row: FeatureSetVersion, now: datetime) -> dict[str, QualityReference]:
    """By feature. Those of the first days are renewed while these last; the caller holds the set's lock."""
    first = QualitySnapshot.objects.filter(feature_set=row).aggregate(at=Min("taken_at"))["at"]
    if first is None:
        return {}
    held = {reference.feature: reference for reference in QualityReference.objects.filter(feature_set=row)}
    until = min(now, first + FIRST_DAYS)
    settled = [name for name, reference in held.items() if reference.chosen_by or reference.until >= until]
    return held | {reference.feature: reference for reference in _put_together(row, first, until, leave=settled)}


@transaction.atomic
def take_reference(*, row: FeatureSetVersion, since: datetime, until: datetime, reason: str) -> int:
    """Hold the set's features against the snapshots of a period from now on. Returns how many features have one.

    Raises NothingToTake.
    """
    lock(row)
    taken = _put_together(row, since, until, chosen_by=context.current().actor)
    if not taken:
        raise NothingToTake("No snapshot that still has its sample lies in this period.")
    period = {"since": since.isoformat(), "until": until.isoformat()}
    log_audit_event("quality_reference_taken", "feature_set", row.pk, {"set": str(row), "reason": reason} | period)
    return len(taken)


def lock(row: FeatureSetVersion) -> None:
    """Snapshots and references of one set follow each other."""
    FeatureSetVersion.objects.select_for_update(no_key=True).get(pk=row.pk)


def _put_together(
    row: FeatureSetVersion, since: datetime, until: datetime, *, leave: list[str] | None = None, chosen_by: str = ""
) -> list[QualityReference]:
    found: dict[str, list[QualitySnapshot]] = defaultdict(list)
    kept = QualitySnapshot.objects.filter(feature_set=row, taken_at__range=(since, until), dropped=False)
    for snapshot in kept.exclude(feature__in=leave or []):
        found[snapshot.feature].append(snapshot)
    return [
        QualityReference.objects.update_or_create(
            feature_set=row,
            feature=feature,
            defaults=_sum(snapshots) | {"since": since, "until": until, "chosen_by": chosen_by},
        )[0]
        for feature, snapshots in found.items()
    ]


def _sum(snapshots: list[QualitySnapshot]) -> dict[str, object]:
    words: Counter[str] = Counter()
    for snapshot in snapshots:
        words.update(snapshot.words)
    sample = drift.thin([value for snapshot in snapshots for value in snapshot.sample], SAMPLE)
    begins = drift.edges(sample)
    return {
        "n": sum(snapshot.n for snapshot in snapshots),
        "nulls": sum(snapshot.nulls for snapshot in snapshots),
        "edges": begins,
        "counts": drift.histogram(sample, begins),
        "sample": sample,
        "words": dict(words.most_common(WORDS)),
        "snapshots": len(snapshots),
    }
