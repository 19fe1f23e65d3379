"""Compute features and store them, exactly once for each event, whoever else computes at the same time.

The order of steps is what makes it right (docs/adr/0003-exactly-once-features.md):
1. lock the entities, so that computations of one entity follow each other;
2. fix the as-of time;
3. take the marks that are due and that nobody is adding to;
4. compute, in later snapshots, which see at least the events they stood for, and store: all in one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import DataError, connection, transaction

from base import statements
from features.catalogue import set_id
from features.definitions import FeatureSet, feature_sets
from features.engine import prepared
from features.engine.compute import CannotCompute, Query, compiled, computation, together
from features.engine.prepared import text_array
from features.values import backlog
from features.values.repair import repair


@dataclass(slots=True)
class Refreshed:
    """What a refresh did: entities stored, events counted, the entities that failed with their error, and how many
    have more history to correct than fits in one transaction."""

    entities: int = 0
    events: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    unrepaired: int = 0

    def add(self, other: Refreshed) -> None:
        self.entities += other.entities
        self.events += other.events
        self.failed |= other.failed
        self.unrepaired += other.unrepaired

    def summary(self) -> dict[str, Any]:
        """As the result of a task."""
        shown = dict(list(self.failed.items())[:20])
        return {
            "entities": self.entities,
            "events_processed": self.events,
            "failed": len(self.failed),
            "errors": shown,
        }


def refresh(
    entity_type: str,
    entity_ids: Sequence[str],
    *,
    task_id: str | None = None,
    as_of: datetime | None = None,
    sets: Sequence[type[FeatureSet]] | None = None,
    skip_locked: bool = False,
    before_commit: Callable[[], None] | None = None,
) -> Refreshed:
    """Compute every set of these entities as of now (or of a past time) and store the values, in one transaction.

    Entities that somebody else computes right now are waited for, or left out with `skip_locked`. An entity whose
    computation fails gets its error noted and does not hold up the others. Where events came late, the values stored
    as of past times are corrected. Values as of a past time, and those of only some `sets`, leave the backlog alone:
    what waits is still to be counted by the others.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        locked = _lock(cursor, entity_type, entity_ids, skip_locked)
        if not locked:
            return Refreshed()
        cursor.execute("SELECT coalesce(%s, clock_timestamp())", [as_of])  # the clock is read with the locks held
        [moment] = cursor.fetchone()
        work = _Work(
            entity_type,
            moment,
            task_id,
            sets=feature_sets(entity=entity_type) if sets is None else list(sets),
            count_events=as_of is None and sets is None,
            note_failures=as_of is None,
        )
        done = _refresh_locked(work, locked)
        if before_commit:
            before_commit()
        return done


@dataclass(frozen=True, slots=True)
class _Work:
    """What is the same for every part of a batch."""

    entity_type: str
    moment: datetime
    task_id: str | None
    sets: list[type[FeatureSet]]
    count_events: bool
    note_failures: bool


def _refresh_locked(work: _Work, entity_ids: list[str]) -> Refreshed:
    """Count the waiting events and store the values of every set, or neither.

    When an entity cannot be computed the batch is halved until it stands alone. Then the sets that can be computed are
    stored, and its marks stay in the backlog for those that cannot.
    """
    taken = backlog.Taken()
    try:
        with transaction.atomic():
            if work.count_events:
                taken = backlog.take(work.entity_type, entity_ids, work.moment)
                backlog.succeed(work.entity_type, entity_ids)
            rest = _store_all(work, entity_ids, taken.earliest)
        return Refreshed(len(entity_ids), taken.events, unrepaired=len(rest))
    except (DataError, CannotCompute) as error:
        message = _sentence(error)
    if len(entity_ids) == 1:
        message = _store_what_can_be(work, entity_ids) or message
        if work.note_failures:
            backlog.fail(work.entity_type, entity_ids[0], message, events=taken.events)
        return Refreshed(failed={entity_ids[0]: message})
    middle, done = len(entity_ids) // 2, Refreshed()
    for half in (entity_ids[:middle], entity_ids[middle:]):
        done.add(_refresh_locked(work, half))
    return done


def _store_what_can_be(work: _Work, entity_ids: list[str]) -> str:
    """Store each set for itself; returns which of them cannot be computed, and why.

    Late events are left to the refresh that takes the marks: it corrects what is stored here too.
    """
    errors = []
    for feature_set in work.sets:
        try:
            with transaction.atomic():
                _store([feature_set], entity_ids, work.moment, "{}", work.task_id)
        except (DataError, CannotCompute) as error:
            errors.append(f"{feature_set.label()}: {_sentence(error)}")
    return "; ".join(errors)


def _sentence(error: Exception) -> str:
    return str(error).splitlines()[0]


LOCK = """
SELECT entity_id FROM features_knownentity WHERE entity_type = $1::text AND entity_id = ANY($2::text[])
ORDER BY entity_id FOR UPDATE
"""


def _lock(cursor: Any, entity_type: str, entity_ids: Sequence[str], skip_locked: bool) -> list[str]:
    lock = f"{LOCK} SKIP LOCKED" if skip_locked else LOCK
    statements.execute(cursor, lock, [entity_type, text_array(entity_ids)])
    return [row[0] for row in cursor.fetchall()]


def _store_all(work: _Work, entity_ids: list[str], earliest: str) -> dict[str, datetime]:
    """Store every set and correct the history behind late events; returns what of it is left for later."""
    late: dict[str, datetime] = {}
    for group in together(work.sets):
        late |= _store(group, entity_ids, work.moment, earliest, work.task_id)
    if not late:
        return {}
    rest = repair(work.sets, dict(sorted(late.items())), work.moment, task_id=work.task_id)
    if rest:
        backlog.leave(work.entity_type, rest)
    return rest


# No history is newer than the latest value, so an event after the value that was replaced touches no history.
STORE = """
WITH fresh AS MATERIALIZED (
  SELECT v.set_id, c.entity_id, c.as_of, c.source_rows, v.vals
  FROM ({query}) c CROSS JOIN LATERAL (VALUES {sets}) AS v(set_id, vals) ORDER BY c.entity_id, v.set_id
),
latest AS (
  INSERT INTO model_features (feature_set_id, entity_id, as_of, computed_at, source_rows, vals, task_id)
  SELECT set_id, entity_id, as_of, clock_timestamp(), source_rows, vals, %(task_id)s::uuid FROM fresh
  ON CONFLICT (feature_set_id, entity_id) DO UPDATE SET as_of = excluded.as_of, computed_at = excluded.computed_at,
    source_rows = excluded.source_rows, vals = excluded.vals, task_id = excluded.task_id
  WHERE model_features.as_of <= excluded.as_of
  RETURNING new.feature_set_id, new.entity_id, old.as_of AS before
), history AS (
  INSERT INTO model_features_history (feature_set_id, entity_id, as_of, computed_at, source_rows, vals, task_id)
  SELECT set_id, entity_id, as_of, clock_timestamp(), source_rows, vals, %(task_id)s::uuid FROM fresh
), counted AS (
  INSERT INTO features_countdelta (what, n)
  SELECT 'values:' || feature_set_id, count(*) FROM latest WHERE before IS NULL GROUP BY feature_set_id
)
SELECT entity_id, (%(earliest)s::jsonb ->> entity_id)::timestamptz FROM latest
WHERE before IS NOT NULL AND (%(earliest)s::jsonb ->> entity_id)::timestamptz <= before
"""


def _store(
    group: Sequence[type[FeatureSet]], entity_ids: list[str], moment: datetime, earliest: str, task_id: str | None
) -> dict[str, datetime]:
    """Compute sets of one source by one scan; returns the entities with an event older than a value they had, and
    when it happened."""
    sets = [(feature_set, set_id(feature_set)) for feature_set in group]
    with connection.cursor() as cursor:
        if group[0].functions():
            query, parameters = _storing(sets, computation(group, entity_ids, [moment] * len(entity_ids)))
            cursor.execute(query, parameters | {"earliest": earliest, "task_id": task_id})
        else:
            prepared.execute(
                cursor,
                ("store", *sets),
                lambda: _storing(sets, compiled(tuple(group))),
                {
                    "entity_ids": ("text[]", entity_ids),
                    "moment": ("timestamptz", moment),
                    "earliest": ("jsonb", earliest),
                    "task_id": ("uuid", task_id),
                },
                {"times": "array_fill({moment}, ARRAY[cardinality({entity_ids})])", "known_at": "NULL"},
            )
        return dict(cursor.fetchall())


def _storing(sets: Sequence[tuple[type[FeatureSet], int]], query: Query) -> Query:
    """The statement that stores what the query gives for these sets."""
    sql, parameters = query
    values = ", ".join(f"({number}::smallint, c.vals{f'_{n}' if n else ''})" for n, (_, number) in enumerate(sets))
    return STORE.format(query=sql, sets=values), parameters
