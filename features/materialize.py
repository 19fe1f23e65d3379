"""Compute features and store them, exactly once for each event, whoever else computes at the same time.

The order of steps is what makes it right (docs/adr/0003-exactly-once-features.md):
1. lock the entities, so that computations of one entity follow each other;
2. fix the as-of time;
3. remove the visible unprocessed events up to it from the backlog;
4. compute, in later snapshots, which see at least those events, and store: all in one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import DataError, connection, transaction

from features.catalogue import set_id
from features.compute import CannotCompute, computation
from features.definitions import FeatureSet, feature_sets

RETRY_FIRST_S, RETRY_MAX_S = 60, 86_400


@dataclass(slots=True)
class Refreshed:
    """What a refresh did: entities stored, events counted, and the entities that failed with their error."""

    entities: int = 0
    events: int = 0
    failed: dict[str, str] = field(default_factory=dict)

    def add(self, other: Refreshed) -> None:
        self.entities += other.entities
        self.events += other.events
        self.failed |= other.failed


def refresh(
    entity_type: str,
    entity_ids: Sequence[str],
    *,
    task_id: str | None = None,
    as_of: datetime | None = None,
    skip_locked: bool = False,
    before_commit: Callable[[], None] | None = None,
) -> Refreshed:
    """Compute every set of these entities as of now (or of a past time) and store the values, in one transaction.

    Entities that somebody else computes right now are waited for, or left out with `skip_locked`. An entity whose
    computation fails gets its error noted on its events and does not hold up the others. Values as of a past time
    are added to the history and leave the backlog alone.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        locked = _lock(cursor, entity_type, entity_ids, skip_locked)
        if not locked:
            return Refreshed()
        cursor.execute("SELECT coalesce(%s, clock_timestamp())", [as_of])  # the clock is read with the locks held
        [moment] = cursor.fetchone()
        done = _refresh_locked(entity_type, locked, moment, task_id=task_id, count_events=as_of is None)
        _note_errors(cursor, entity_type, done.failed)
        if before_commit:
            before_commit()
        return done


def _refresh_locked(
    entity_type: str, entity_ids: list[str], moment: datetime, *, task_id: str | None, count_events: bool
) -> Refreshed:
    """Count the waiting events and store the values of every set, or neither.

    When an entity cannot be computed the batch is halved until it stands alone; its events stay in the backlog.
    """
    try:
        with transaction.atomic():
            events = _take_events(entity_type, entity_ids, moment) if count_events else 0
            for feature_set in feature_sets(entity=entity_type):
                _store(feature_set, entity_ids, moment, task_id)
        return Refreshed(len(entity_ids), events)
    except (DataError, CannotCompute) as error:
        if len(entity_ids) == 1:
            return Refreshed(failed={entity_ids[0]: str(error).splitlines()[0]})
    middle, done = len(entity_ids) // 2, Refreshed()
    for half in (entity_ids[:middle], entity_ids[middle:]):
        done.add(_refresh_locked(entity_type, half, moment, task_id=task_id, count_events=count_events))
    return done


KNOWN = """
SELECT entity_id FROM features_knownentity WHERE entity_type = %s AND entity_id = ANY(%s) ORDER BY entity_id
"""


def _lock(cursor: Any, entity_type: str, entity_ids: Sequence[str], skip_locked: bool) -> list[str]:
    lock = "FOR UPDATE SKIP LOCKED" if skip_locked else "FOR UPDATE"
    cursor.execute(f"{KNOWN} {lock}", [entity_type, list(entity_ids)])
    return [row[0] for row in cursor.fetchall()]


def _take_events(entity_type: str, entity_ids: list[str], moment: datetime) -> int:
    """Remove the visible unprocessed events up to the moment. What follows sees at least these."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM features_unprocessedevent WHERE entity_type = %s AND entity_id = ANY(%s) AND event_time <= %s",
            [entity_type, entity_ids, moment],
        )
        return cursor.rowcount


STORE = """
WITH computed AS MATERIALIZED ({query}),
latest AS (
  INSERT INTO model_features (feature_set_id, entity_id, as_of, computed_at, source_rows, vals, task_id)
  SELECT %(set_id)s, entity_id, as_of, clock_timestamp(), source_rows, vals, %(task_id)s::uuid
  FROM computed ORDER BY entity_id
  ON CONFLICT (feature_set_id, entity_id) DO UPDATE SET as_of = excluded.as_of, computed_at = excluded.computed_at,
    source_rows = excluded.source_rows, vals = excluded.vals, task_id = excluded.task_id
  WHERE model_features.as_of <= excluded.as_of
)
INSERT INTO model_features_history (feature_set_id, entity_id, as_of, computed_at, source_rows, vals, task_id)
SELECT %(set_id)s, entity_id, as_of, clock_timestamp(), source_rows, vals, %(task_id)s::uuid FROM computed
"""


def _store(feature_set: type[FeatureSet], entity_ids: list[str], moment: datetime, task_id: str | None) -> None:
    query, parameters = computation([feature_set], entity_ids, [moment] * len(entity_ids))
    parameters |= {"set_id": set_id(feature_set), "task_id": task_id}
    with connection.cursor() as cursor:
        cursor.execute(STORE.format(query=query), parameters)


def _note_errors(cursor: Any, entity_type: str, failed: dict[str, str]) -> None:
    for entity_id, error in failed.items():
        cursor.execute(
            "UPDATE features_unprocessedevent SET error = %s, tries = tries + 1, "
            "retry_at = now() + make_interval(secs => least(%s * 2 ^ tries, %s)) "
            "WHERE entity_type = %s AND entity_id = %s",
            [error[:1000], RETRY_FIRST_S, RETRY_MAX_S, entity_type, entity_id],
        )
