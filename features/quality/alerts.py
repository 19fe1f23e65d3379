"""Alerts: opened once, kept while the trouble lasts, closed when it is over. Each of the three leaves its trace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from audit.services import log_audit_event
from base import context
from features.definitions import FeatureSet
from features.models import FailedEntity, FeatureSetVersion
from features.quality import drift
from features.quality.models import QualityAlert, QualityReference, QualitySnapshot
from features.values import counts

Kind = QualityAlert.Kind
# From these on there is an alert. Of nulls: how much greater their share is than the reference's.
THRESHOLDS = {Kind.DRIFT: drift.DRIFTED, Kind.NULLS: 0.10, Kind.RANGE: 0.01, Kind.STALE: 0.05, Kind.FAILED: 0.01}


class AlreadyHandled(Exception):
    """The alert is closed, or somebody has acknowledged it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a snapshot says about one kind of trouble. feature: empty for the whole set."""

    feature: str
    kind: QualityAlert.Kind
    value: float
    n: int

    @property
    def bad(self) -> bool:
        return self.value >= THRESHOLDS[self.kind]


def findings(
    entity_type: str, taken: Sequence[QualitySnapshot], held: Mapping[str, QualityReference]
) -> Iterator[Finding]:
    """Everything there are figures enough to judge; of the rest nothing is said, so an alert stays as it is."""
    for snapshot in taken:
        if snapshot.n < drift.LEAST:
            continue
        if snapshot.psi is not None and snapshot.level != "too_few":
            yield Finding(snapshot.feature, Kind.DRIFT, snapshot.psi, snapshot.n - snapshot.nulls)
        if reference := held.get(snapshot.feature):
            yield Finding(snapshot.feature, Kind.NULLS, snapshot.null_share - reference.null_share, snapshot.n)
        yield Finding(snapshot.feature, Kind.RANGE, snapshot.range_violations / snapshot.n, snapshot.n)
    if taken and taken[0].n >= drift.LEAST:
        yield Finding("", Kind.STALE, taken[0].stale / taken[0].n, taken[0].n)
    known = counts.read().get(f"entities:{entity_type}", 0)
    if known >= drift.LEAST:
        failed = FailedEntity.objects.filter(entity_type=entity_type).count()
        yield Finding("", Kind.FAILED, failed / known, known)


def settle(
    feature_set: type[FeatureSet],
    row: FeatureSetVersion,
    taken: Sequence[QualitySnapshot],
    held: Mapping[str, QualityReference],
    now: datetime,
) -> list[QualityAlert]:
    """Open, renew and close the set's alerts, whose lock the caller holds; returns those that were opened."""
    lasting = {(a.feature, a.kind): a for a in QualityAlert.objects.filter(feature_set=row, closed_at=None)}
    opened = []
    for found in findings(feature_set.entity.name, taken, held):
        alert = lasting.get((found.feature, found.kind))
        newest = {"value": found.value, "n": found.n, "seen_at": now}
        if found.bad and alert is None:
            opened.append(_open(row, found, newest))
        elif alert is not None:
            QualityAlert.objects.filter(pk=alert.pk).update(**newest, closed_at=None if found.bad else now)
            if not found.bad:
                _note("quality_alert_closed", alert, row, value=found.value)
    return opened


def _open(row: FeatureSetVersion, found: Finding, newest: dict[str, Any]) -> QualityAlert:
    alert = QualityAlert.objects.create(
        feature_set=row, feature=found.feature, kind=found.kind, threshold=THRESHOLDS[found.kind],
        opened_at=newest["seen_at"], **newest,
    )  # fmt: skip
    _note("quality_alert_opened", alert, row, value=found.value)
    return alert


@transaction.atomic
def acknowledge_alert(*, alert_id: int, reason: str) -> QualityAlert:
    """Say that somebody has seen it and why it may stay. Raises AlreadyHandled, or DoesNotExist."""
    changed = QualityAlert.objects.filter(pk=alert_id, closed_at=None, acknowledged_at=None).update(
        acknowledged_at=timezone.now(), acknowledged_by=context.current().actor, reason=reason
    )
    alert = QualityAlert.objects.select_related("feature_set").get(pk=alert_id)
    if not changed:
        raise AlreadyHandled("This alert is closed or was acknowledged already.")
    _note("quality_alert_acknowledged", alert, alert.feature_set, reason=reason)
    return alert


def _note(action: str, alert: QualityAlert, row: FeatureSetVersion, **more: Any) -> None:
    what = {"set": str(row), "feature": alert.feature, "kind": alert.kind, "n": alert.n, "threshold": alert.threshold}
    log_audit_event(action, "quality_alert", alert.pk, what | more)


def described(alert: QualityAlert) -> dict[str, Any]:
    """The alert as webhooks and clients see it."""
    return {
        "id": alert.pk,
        "feature_set": alert.feature_set.name,
        "version": alert.feature_set.version,
        "feature": alert.feature,
        "kind": alert.kind,
        "value": alert.value,
        "threshold": alert.threshold,
        "n": alert.n,
        "opened_at": alert.opened_at,
        "seen_at": alert.seen_at,
        "closed_at": alert.closed_at,
        "acknowledged_at": alert.acknowledged_at,
        "acknowledged_by": alert.acknowledged_by,
        "reason": alert.reason,
        "task_id": alert.task_id,
    }
