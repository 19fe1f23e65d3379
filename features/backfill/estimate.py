"""What a backfill would cost, before it runs: entities from counts, seconds from chunks that ran or from a sample."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from features.backfill.models import Scope
from features.definitions import FeatureSet, feature_sets
from features.values import counts, coverage, extraction
from features.values.materialize import refresh

SAMPLE, COUNT_TO, CHUNKS = 200, 20_000, 20


@dataclass(frozen=True, slots=True)
class Speed:
    """Seconds that one worker takes for an entity, and those of them in PostgreSQL. of: how it was measured."""

    busy_s: float
    database_s: float
    of: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Of one entity type. counted: `exact`, `at_least`, `at_most`, or `planner` where PostgreSQL guessed.

    seconds: with the workers and the rate asked for. database_s: time PostgreSQL works or is waited for.
    database_share: how much of one processor that is while it runs, 0–1 for each worker; None when nobody can tell.
    measured: `chunks` that ran, a `sample` computed and rolled back, or `nothing`.
    """

    entity_type: str
    feature_sets: list[str]
    entities: int
    counted: str
    source_events: int
    transactions: int
    seconds: float | None
    database_s: float | None
    database_share: float | None
    measured: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def known(entity_type: str = "") -> dict[str, int]:
    """Entities with raw data of one entity type, or of every one that has feature sets."""
    counted = counts.read()
    wanted = [entity_type] if entity_type else extraction.entity_types()
    return {name: counted.get(f"entities:{name}", 0) for name in wanted}


def estimate(
    *,
    entity_type: str = "",
    scope: str = Scope.WAITING,
    as_of: datetime | None = None,
    sets: Sequence[type[FeatureSet]] = (),
    batch_size: int = 500,
    max_batches: int = 1_000_000,
    rate: int | None = None,
    workers: int = 1,
) -> list[Estimate]:
    """One row for each entity type. Nothing is stored; no scan of entities or events where they are many."""
    found, left = [], max_batches
    for name, total in known(entity_type).items():
        wanted = list(sets) or feature_sets(entity=name)
        entities, counted = expected(scope, name, wanted, as_of)
        entities = min(entities, left * batch_size)
        transactions = -(-entities // batch_size)
        left -= transactions
        speed = _speed(name, sets, batch_size) if entities else None
        seconds = database_s = None if entities else 0.0
        if speed:
            seconds = max(entities * speed.busy_s / workers, entities / rate if rate else 0)
            database_s = entities * speed.database_s
        events = counts.read().get(f"events:{name}", 0)
        found.append(
            Estimate(
                entity_type=name,
                feature_sets=[each.label() for each in wanted],
                entities=entities,
                counted=counted,
                source_events=round(events * entities / total) if total else 0,
                transactions=transactions,
                seconds=seconds,
                database_s=database_s,
                database_share=round(database_s / seconds, 2) if database_s and seconds else None,
                measured=speed.of if speed else "nothing",
            )
        )
    return found


def expected(
    scope: str, entity_type: str, sets: Sequence[type[FeatureSet]], as_of: datetime | None = None
) -> tuple[int, str]:
    """How many entities it would work on, and how that is known."""
    total = known(entity_type)[entity_type]
    if scope == Scope.EVERYONE or (scope == Scope.AS_OF and total > COUNT_TO):
        return total, "exact" if scope == Scope.EVERYONE else "at_most"
    only = None if len(sets) == len(feature_sets(entity=entity_type)) else sets
    if total <= COUNT_TO:
        return len(coverage.waiting_entities(entity_type, limit=COUNT_TO, as_of=as_of, sets=only)), "exact"
    missing = max((total - row.with_features for row in coverage.coverage_of(*sets)), default=0)
    if only:
        return missing, "at_least"
    marked, counted = _marked(entity_type)
    return min(max(marked, missing), total), counted if not missing else "at_least"


def _marked(entity_type: str) -> tuple[int, str]:
    """Entities with marks that are due; PostgreSQL's guess where they are many."""
    marked = len(coverage.marked_entities(entity_type, limit=COUNT_TO))
    if marked < COUNT_TO:
        return marked, "exact"
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {coverage.MARKED_NOW}", {"entity_type": entity_type})
        [plan] = cursor.fetchone()
    plan = json.loads(plan) if isinstance(plan, str) else plan
    return max(int(plan[0]["Plan"]["Plan Rows"]), COUNT_TO), "planner"


MEASURED = """
SELECT sum(busy_s) / sum(done), sum(database_s) / sum(done) FROM (
  SELECT c.busy_s, c.database_s, c.done FROM features_backfillchunk c
  JOIN features_backfill b ON b.id = c.backfill_id
  WHERE c.entity_type = %(entity_type)s AND c.state = 'done' AND c.done > 0 AND b.feature_sets = %(sets)s::jsonb
  ORDER BY c.finished_at DESC LIMIT %(limit)s) newest
"""


def _speed(entity_type: str, sets: Sequence[type[FeatureSet]], batch_size: int) -> Speed | None:
    """Of the newest chunks of the same sets, else of a sample; None when there is nobody to try it with."""
    labels = json.dumps(sorted(each.label() for each in sets))
    asked: dict[str, Any] = {"entity_type": entity_type, "sets": labels, "limit": CHUNKS}
    with connection.cursor() as cursor:
        cursor.execute(MEASURED, asked)
        busy_s, database_s = cursor.fetchone()
    if busy_s is not None:
        return Speed(busy_s, database_s, "chunks")
    return _probe(entity_type, sets, min(batch_size, SAMPLE))


def _probe(entity_type: str, sets: Sequence[type[FeatureSet]], size: int) -> Speed | None:
    """Compute a sample as a backfill would, and roll it back."""
    sample = coverage.known_entities(entity_type, limit=size)
    with transaction.atomic():
        started, ours = time.perf_counter(), time.thread_time()
        done = refresh(entity_type, sample, sets=sets or None, skip_locked=True)
        busy_s = time.perf_counter() - started
        database_s = max(busy_s - (time.thread_time() - ours), 0)
        transaction.set_rollback(True)
    tried = done.entities + len(done.failed)
    return Speed(busy_s / tried, database_s / tried, "sample") if tried else None
