"""Take a snapshot of a set: measure, hold against the reference, store, and open or close alerts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from features.catalogue import set_id
from features.definitions import FeatureSet
from features.models import FeatureSetVersion
from features.quality import alerts, drift
from features.quality.measure import Measured, measure
from features.quality.models import QualityAlert, QualityReference, QualitySnapshot
from features.quality.references import lock, references

SAMPLES_KEPT, SNAPSHOTS_KEPT = timedelta(days=90), timedelta(days=400)


@transaction.atomic
def take_snapshot(
    feature_set: type[FeatureSet], *, task_id: str | None = None, now: datetime | None = None
) -> tuple[list[QualitySnapshot], list[QualityAlert]]:
    """The set's snapshot, one row a feature, and the alerts it opened. A set without values has no rows."""
    now = now or timezone.now()
    row = FeatureSetVersion.objects.get(pk=set_id(feature_set))
    lock(row)
    held = references(row, now)
    measured = measure(feature_set, held, seed=int(now.timestamp()))
    taken = [
        _snapshot(figures, held.get(feature), measured, row, feature, now, task_id)
        for feature, figures in measured.figures.items()
    ]
    QualitySnapshot.objects.bulk_create(taken)
    return taken, alerts.settle(feature_set, row, taken, held, now)


def _snapshot(
    figures: dict[str, Any], reference: QualityReference | None, measured: Measured, row: FeatureSetVersion,
    feature: str, now: datetime, task_id: str | None,
) -> QualitySnapshot:  # fmt: skip
    bins = figures.pop("bins", {})
    snapshot = QualitySnapshot(
        feature_set=row, feature=feature, taken_at=now, entities=measured.entities, stale=measured.stale,
        task_id=task_id, **{name: value for name, value in figures.items() if value is not None},
    )  # fmt: skip
    if reference and reference.edges:
        snapshot.edges = reference.edges
        snapshot.counts = [bins.get(str(number), 0) for number in range(len(reference.edges) + 1)]
    else:
        snapshot.edges = drift.edges(snapshot.sample)
        snapshot.counts = drift.histogram(snapshot.sample, snapshot.edges)
    before, current = compared(snapshot, reference)
    snapshot.reference_n = sum(before)
    snapshot.psi = drift.psi(before, current)
    snapshot.ks = drift.ks(reference.sample, snapshot.sample) if reference else None
    snapshot.level = drift.level(snapshot.psi, snapshot.n - snapshot.nulls, snapshot.reference_n)
    return snapshot


def compared(snapshot: QualitySnapshot, reference: QualityReference | None) -> tuple[list[int], list[int]]:
    """Counts of the reference and of the snapshot over the same bins, or words and all others; nulls in neither."""
    if reference is None:
        return [], []
    if reference.edges:
        return reference.counts, snapshot.counts
    words = list(reference.words)
    sides = []
    for side in (reference, snapshot):
        known = [side.words.get(word, 0) for word in words]
        sides.append([*known, side.n - side.nulls - sum(known)])
    return sides[0], sides[1]


def clean(now: datetime) -> int:
    """Drop the samples of snapshots after three months and the rows after 400 days; returns how many rows went."""
    QualitySnapshot.objects.filter(taken_at__lt=now - SAMPLES_KEPT, dropped=False).update(
        sample=[], words={}, dropped=True
    )
    gone, _ = QualitySnapshot.objects.filter(taken_at__lt=now - SNAPSHOTS_KEPT).delete()
    return gone
