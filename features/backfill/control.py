"""What people ask of backfills: start, pause, resume, cancel. Each leaves an audit entry."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from audit.services import log_audit_event
from base import context
from features import tasks
from features.backfill.estimate import estimate
from features.backfill.models import LIVE, Backfill, Scope, State
from features.definitions import FeatureSet, find_feature_set
from features.values import extraction
from tasks.models import Task


class InvalidBackfill(ValueError):
    """It was asked for what cannot be done. `field` is the offending one."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class OtherBackfill(Exception):
    """A live backfill of the same scope computes something else; wait for it, or cancel it."""


class WrongState(Exception):
    """The backfill is not in a state that allows this; the message says which it is in."""


@transaction.atomic
def request_backfill(
    *,
    entity_type: str = "",
    scope: str = Scope.WAITING,
    as_of: datetime | None = None,
    feature_sets: Sequence[str] = (),
    batch_size: int = 500,
    max_batches: int = 1_000_000,
    rate: int | None = None,
    workers: int = 1,
    detached: bool = True,
    reason: str = "",
) -> tuple[Backfill, bool]:
    """Start a backfill, or join the live one of the same entity type and scope. Returns it, and whether it is new.

    detached: tasks do the work; else the caller does.
    Raises InvalidBackfill, or OtherBackfill when the live one is of another time or of other sets.
    """
    labels = sorted(each.label() for each in checked(entity_type, scope, as_of, feature_sets))
    asked: dict[str, Any] = {
        "scope": scope,
        "as_of": as_of,
        "feature_sets": labels,
        "batch_size": batch_size,
        "max_batches": max_batches,
        "rate": rate,
        "workers": workers,
    }
    backfill, is_new = _created_or_live(
        entity_type=entity_type,
        detached=detached,
        reason=reason[:300],
        asked_by_id=context.current().user_id,
        **asked,
    )
    noted = asked | {"entity_type": entity_type, "reason": reason, "joined": not is_new}
    log_audit_event("backfill_requested", "backfill", backfill.pk, noted | {"as_of": as_of and as_of.isoformat()})
    if is_new and detached:
        tasks.request_workers(backfill, workers)
    return backfill, is_new


def _created_or_live(*, entity_type: str, scope: str, **fields: Any) -> tuple[Backfill, bool]:
    same = {name: fields[name] for name in ("as_of", "feature_sets")}
    for _ in range(10):  # the live one may end between the two statements
        try:
            with transaction.atomic():
                return Backfill.objects.create(entity_type=entity_type, scope=scope, **fields), True
        except IntegrityError:
            live = Backfill.objects.filter(entity_type=entity_type, scope=scope, state__in=LIVE).first()
        if live is None:
            continue
        if any(getattr(live, name) != value for name, value in same.items()):
            raise OtherBackfill(f"The {live} that is {live.state} has another time or other sets; it has to end first.")
        return live, False
    raise OtherBackfill("Backfills of this kind come and go too fast.")


def checked(entity_type: str, scope: str, as_of: datetime | None, labels: Sequence[str]) -> list[type[FeatureSet]]:
    """The feature sets that were asked for. Raises InvalidBackfill."""
    known = extraction.entity_types()
    if entity_type and entity_type not in known:
        raise InvalidBackfill("entity_type", f"One of: {', '.join(known)}.")
    if (scope == Scope.AS_OF) != (as_of is not None):
        raise InvalidBackfill("as_of", "The scope as_of needs a time, and no other takes one.")
    if as_of is not None and as_of > timezone.now():
        raise InvalidBackfill("as_of", "A time in the past.")
    if labels and not entity_type:
        raise InvalidBackfill("entity_type", "Name the entity type that the feature sets are about.")
    found = []
    for label in dict.fromkeys(labels):
        name, _, version = label.partition("@")
        feature_set = find_feature_set(name, version or None)
        if feature_set is None or feature_set.entity.name != entity_type:
            raise InvalidBackfill("feature_sets", f"There is no feature set {label[:100]} of {entity_type}.")
        found.append(feature_set)
    return found


def estimate_backfill(
    *, entity_type: str = "", scope: str = Scope.WAITING, as_of: datetime | None = None,
    feature_sets: Sequence[str] = (), batch_size: int = 500, max_batches: int = 1_000_000, rate: int | None = None,
    workers: int = 1, reason: str = "",
) -> list[dict[str, Any]]:  # fmt: skip
    """What `request_backfill` of the same would cost, by entity type. Raises InvalidBackfill."""
    sets = checked(entity_type, scope, as_of, feature_sets)
    rows = estimate(
        entity_type=entity_type, scope=scope, as_of=as_of, sets=sets, batch_size=batch_size, max_batches=max_batches,
        rate=rate, workers=workers,
    )  # fmt: skip
    return [row.as_dict() for row in rows]


@transaction.atomic
def pause_backfill(*, backfill_id: Any, reason: str = "") -> Backfill:
    """Store no further batch until it is resumed. Raises WrongState unless it is planned or runs."""
    return _move(backfill_id, (State.PLANNED, State.RUNNING), State.PAUSED, "backfill_paused", reason)


@transaction.atomic
def resume_backfill(*, backfill_id: Any, reason: str = "") -> Backfill:
    """Go on where it was paused. Raises WrongState unless it is paused."""
    cut = Backfill.objects.filter(pk=backfill_id, started_at__isnull=False).exists()
    backfill = _move(backfill_id, (State.PAUSED,), State.RUNNING if cut else State.PLANNED, "backfill_resumed", reason)
    if backfill.detached:
        tasks.request_workers(backfill, backfill.workers)
    return backfill


@transaction.atomic
def cancel_backfill(*, backfill_id: Any, reason: str = "") -> Backfill:
    """Store no further batch; what is stored stays. Raises WrongState for one that has ended."""
    return _move(backfill_id, LIVE, State.CANCELLED, "backfill_cancelled", reason)


def _move(backfill_id: Any, allowed: Sequence[State], state: State, action: str, reason: str) -> Backfill:
    backfill = Backfill.objects.select_for_update().get(pk=backfill_id)
    if backfill.state not in allowed:
        raise WrongState(f"This backfill is {backfill.state}.")
    was = backfill.state
    ended = {"finished_at": Now()} if state == State.CANCELLED else {}
    Backfill.objects.filter(pk=backfill.pk).update(state=state, note=reason[:300], **ended)
    log_audit_event(action, "backfill", backfill.pk, {"reason": reason, "was": was})
    backfill.refresh_from_db()
    return backfill


def tasks_of(backfill: Backfill) -> QuerySet[Task]:
    """The tasks that work on it or did, the newest first."""
    return Task.objects.filter(subject_type="backfill", subject_id=str(backfill.pk)).order_by("-id")
