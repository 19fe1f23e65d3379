"""What is served: stored values while they are young enough, else computed now, each with its status.

A read takes no lock and waits for nobody who computes or ingests. What it had to compute is stored behind.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from django.db import transaction

from base.errand import Errand
from features import tasks
from features.definitions import FeatureSet
from features.engine.compute import together
from features.serving import reading
from features.serving.asked import Asked, asked_of
from features.serving.ondemand import Computed
from features.serving.stored import Served

PRESENT, NULL_VALUE, NOT_FOUND, OUTSIDE_MAX_AGE = "PRESENT", "NULL_VALUE", "NOT_FOUND", "OUTSIDE_MAX_AGE"
NEVER = datetime.min.replace(tzinfo=UTC)
RECOMPUTE, REFUSE = "recompute", "refuse"
MISSING = "Nothing is known about this entity."
TOO_OLD = "The stored values are older than they may be."


@dataclass(frozen=True, slots=True)
class Online:
    """What one set says about one entity.

    status: PRESENT, NOT_FOUND or OUTSIDE_MAX_AGE, of all its values together; `statuses` tells the nulls among them.
    row: where the values come from, also when they are too old to be served. age_s: seconds since their as-of time.
    error: why there are none, or why they could not be brought up to date.
    """

    entity_id: str
    asked: Asked
    status: str
    row: Served | None = None
    age_s: float | None = None
    error: str = ""

    @property
    def success(self) -> bool:
        return self.status == PRESENT

    def values(self) -> dict[str, Any]:
        """By feature name, decimals exact; None for null and for all that is not served."""
        known = self.row.values() if self.row is not None and self.success else {}
        return {name: known.get(name) for name in self.asked.names}

    def nulls(self) -> frozenset[str]:
        """The names whose value is null. Most rows have none, which shows without parsing them."""
        if self.row is None or ": null" not in self.row.vals:
            return frozenset()
        return frozenset(name for name, value in orjson.loads(self.row.vals).items() if value is None)

    def statuses(self) -> dict[str, str]:
        """PRESENT, NULL_VALUE, NOT_FOUND or OUTSIDE_MAX_AGE by feature name."""
        nulls = self.nulls() if self.success else frozenset()
        return {name: NULL_VALUE if name in nulls else self.status for name in self.asked.names}


def online(
    features: Sequence[str | type[FeatureSet]],
    entity_ids: Sequence[str],
    *,
    max_age: timedelta | None = None,
    if_older: str | None = None,
    errand: Errand | None = None,
) -> dict[str, list[Online]]:
    """What is known about each entity, one `Online` for each set asked, in the order of the question.

    Values that are stored are served up to `max_age` and the set's ttl; 0 is computed now from the source, exactly.
    if_older: what becomes of older ones, "recompute" or "refuse"; by default the first when there is a `max_age`.
    Values that are not stored are computed. errand: the question's, of `reading.errand`, if it may have been run.
    Raises UnknownFeature and MixedEntities.
    """
    asked, ids = asked_of(features), list(dict.fromkeys(entity_ids))
    limits = {one.feature_set: _limit(one, max_age) for one in asked}
    recompute = (if_older or (RECOMPUTE if max_age is not None else REFUSE)) == RECOMPUTE
    exact = recompute and max_age == timedelta(0)  # then what is stored matters only for what cannot be computed
    now, found = (NEVER, {}) if exact else reading.read(asked, ids, errand)
    renewed = Computed()
    wanted = {
        feature_set: [i for i in ids if _wanted(found.get((feature_set, i)), now, limit if recompute else None)]
        for feature_set, limit in limits.items()
    }
    for group in together(feature_set for feature_set, missing in wanted.items() if missing):
        members = [one for one in asked if one.feature_set in group]
        renewed.compute(members, sorted({i for one in members for i in wanted[one.feature_set]}))
    if exact and renewed.failed:
        now, found = reading.read(asked, [entity_id for _, entity_id in renewed.failed])
    if not exact:
        _store_behind(asked, sorted(renewed.storable))
    return {
        i: [_answer(one, i, found.get((one.feature_set, i)), renewed, now, limits[one.feature_set]) for one in asked]
        for i in ids
    }


def _limit(asked: Asked, max_age: timedelta | None) -> timedelta | None:
    """How old a value may be."""
    return min((age for age in (max_age, asked.feature_set.ttl) if age is not None), default=None)


def _wanted(row: Served | None, now: datetime, limit: timedelta | None) -> bool:
    return row is None or (limit is not None and now - row.as_of >= limit)


def _answer(
    asked: Asked, entity_id: str, row: Served | None, renewed: Computed, now: datetime, limit: timedelta | None
) -> Online:
    if renewed.rows or renewed.failed or row is None:
        key = (asked.feature_set, entity_id)
        fresh, error = renewed.rows.get(key), renewed.failed.get(key, "")
        if fresh is not None:
            return Online(entity_id, asked, PRESENT, fresh, 0.0)
        if row is None:
            return Online(entity_id, asked, NOT_FOUND, error=error or MISSING)
    else:
        error = ""
    age = now - row.as_of
    age_s = max(0.0, round(age.total_seconds(), 3))
    if limit is None or age < limit:
        return Online(entity_id, asked, PRESENT, row, age_s)
    return Online(entity_id, asked, OUTSIDE_MAX_AGE, row, age_s, error or TOO_OLD)


def _store_behind(asked: Sequence[Asked], entity_ids: list[str]) -> None:
    """Have what was computed stored, after the caller's commit. The same question, asked again, adds nothing."""
    if not entity_ids:
        return
    entity_type = asked[0].feature_set.entity.name
    digest = hashlib.sha256("\n".join(entity_ids).encode()).hexdigest()[:32]
    task = tasks.store_served.using(coalesce_key=f"served:{entity_type}:{digest}")
    call = {"entity_type": entity_type, "entity_ids": entity_ids}
    transaction.on_commit(lambda: task.enqueue(**call), robust=True)
