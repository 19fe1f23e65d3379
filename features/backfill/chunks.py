"""Chunks of a backfill: cut, claimed, moved on, given back and ended, by a statement or short transaction each.

A batch and what it moves (cursor, counts, the budget of batches, the pace) are one transaction. It commits only while
the backfill runs and the chunk is still the caller's, so a pause or a stolen chunk undoes at most one batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models.functions import Now

from audit.services import log_audit_event
from features.backfill.models import TERMINAL, Backfill, BackfillChunk, State
from features.definitions import FeatureSet, feature_sets, find_feature_set
from features.values.materialize import Refreshed

LEASE_S = 90  # longer than a batch may take
MAX_TRIES = 5  # claims in a row without a stored batch
MOST_ENTITIES, FOR_EACH_WORKER = 10_000, 8


class Stopped(Exception):
    """The batch must not be stored: the backfill does not run any more, or somebody else has the chunk."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """The right to work on a chunk, from `cursor` on."""

    id: int
    backfill_id: Any
    entity_type: str
    cursor: str
    until: str | None
    token: int


def sets_of(backfill: Backfill, entity_type: str) -> list[type[FeatureSet]]:
    """The sets it computes of an entity type. Raises LookupError for one that the code does not declare any more."""
    if not backfill.feature_sets:
        return feature_sets(entity=entity_type)
    found = []
    for label in backfill.feature_sets:
        feature_set = find_feature_set(*label.split("@"))
        if feature_set is None:
            raise LookupError(f"{label} is not declared any more")
        found.append(feature_set)
    return found


# Each step looks one chunk further along the index; the last range is open, so entities that come later are in it.
CUT = """
WITH RECURSIVE ends AS (
  SELECT 1 AS n, ''::text AS after, (
    SELECT entity_id::text FROM features_knownentity WHERE entity_type = %(entity_type)s
    ORDER BY entity_id OFFSET %(size)s - 1 LIMIT 1) AS until
  UNION ALL
  SELECT n + 1, until, (
    SELECT e.entity_id::text FROM features_knownentity e
    WHERE e.entity_type = %(entity_type)s AND e.entity_id > ends.until
    ORDER BY e.entity_id OFFSET %(size)s - 1 LIMIT 1)
  FROM ends WHERE until IS NOT NULL
)
INSERT INTO features_backfillchunk (backfill_id, number, entity_type, cursor, until, state, done, failed, tries, error,
  worker, token, busy_s, database_s)
SELECT %(backfill_id)s, %(before)s + n, %(entity_type)s, after, until, 'waiting', 0, 0, 0, '', '', 0, 0, 0 FROM ends
"""


def cut(backfill: Backfill, known: dict[str, int]) -> None:
    """Cut the ids of each entity type into chunks. known: how many entities each has. The caller holds the row."""
    before = 0
    with connection.cursor() as cursor:
        for entity_type, number in known.items():
            share = number // (max(backfill.workers, 1) * FOR_EACH_WORKER)
            size = max(min(share, MOST_ENTITIES), backfill.batch_size)
            cut_into: dict[str, Any] = {
                "entity_type": entity_type,
                "size": size,
                "backfill_id": backfill.pk,
                "before": before,
            }
            cursor.execute(CUT, cut_into)
            before += cursor.rowcount


# Free is what waits, what was held too long, and what belongs to a task that runs no more or that the caller runs.
FREE = """
backfill_id = %(backfill_id)s AND (state = 'waiting' OR state = 'running' AND (
  lease_until < clock_timestamp() OR task_id = %(task_id)s::uuid OR task_id IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM tasks_task t WHERE t.id = task_id AND t.status = 'processing')))
"""
GIVE_UP = f"""
UPDATE features_backfillchunk SET state = 'failed', lease_until = NULL, finished_at = clock_timestamp(),
  error = coalesce(nullif(error, ''), 'Its workers ended before they could store a batch.')
WHERE tries >= %(max_tries)s AND {FREE}
"""  # noqa: S608 - constants of this module
CLAIM = f"""
UPDATE features_backfillchunk SET state = 'running', token = floor(random() * 2147483647)::int, tries = tries + 1,
  lease_until = clock_timestamp() + make_interval(secs => %(lease)s), worker = %(worker)s,
  task_id = %(task_id)s::uuid, started_at = coalesce(started_at, clock_timestamp())
WHERE id = (SELECT id FROM features_backfillchunk WHERE {FREE} ORDER BY tries, number LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, backfill_id, entity_type, cursor, until, token
"""  # noqa: S608 - constants of this module


@transaction.atomic
def claim(backfill_id: Any, *, worker: str, task_id: str | None = None) -> Claimed | None:
    """Take the next free chunk of a running backfill; None when there is none, or enough work on it already.

    Ends the backfill when all of its chunks are.
    """
    backfill = Backfill.objects.select_for_update().get(pk=backfill_id)
    if backfill.state != State.RUNNING or _ended(backfill) or _enough_work_on(backfill, task_id):
        return None
    asked = {
        "backfill_id": backfill_id,
        "task_id": task_id,
        "worker": worker[:120],
        "lease": LEASE_S,
        "max_tries": MAX_TRIES,
    }
    with connection.cursor() as cursor:
        cursor.execute(GIVE_UP, asked)
        cursor.execute(CLAIM, asked)
        row = cursor.fetchone()
    if row is None:
        _ended(backfill)
        return None
    return Claimed(*row)


def _enough_work_on(backfill: Backfill, task_id: str | None) -> bool:
    if not backfill.detached:
        return False
    held = backfill.chunks.filter(state="running", lease_until__gt=Now())
    if task_id is not None:
        held = held.exclude(task_id=task_id)
    return held.count() >= backfill.workers


def _ended(backfill: Backfill) -> bool:
    """End it if nothing is left to do. The caller holds the row."""
    if backfill.batches >= backfill.max_batches:
        note = f"The limit of {backfill.max_batches:,} batches was reached; another backfill goes on from there."
        return end(backfill, State.COMPLETED, note)
    if backfill.chunks.filter(state__in=("waiting", "running")).exists():
        return False
    given_up = backfill.chunks.filter(state="failed").count()
    if given_up:
        return end(backfill, State.FAILED, f"{given_up} chunks were given up; each tells its error.")
    return end(backfill, State.COMPLETED, "")


def end(backfill: Backfill, state: State, note: str) -> bool:
    """Let it be over. The caller holds the row. Always true."""
    Backfill.objects.filter(pk=backfill.pk).exclude(state__in=TERMINAL).update(
        state=state, note=note, finished_at=Now()
    )
    counted = {"scope": backfill.scope, "entities": backfill.done, "failed": backfill.failed, "state": state.value}
    log_audit_event("features_backfilled", "backfill", backfill.pk, counted | {"entity_type": backfill.entity_type})
    return True


@transaction.atomic
def give_up(backfill_id: Any, note: str) -> None:
    """End a backfill that no worker could begin."""
    backfill = Backfill.objects.select_for_update().get(pk=backfill_id)
    if backfill.state == State.PLANNED:
        end(backfill, State.FAILED, note)


ADVANCE = """
WITH running AS (
  UPDATE features_backfill SET done = done + %(done)s, failed = failed + %(failed)s, batches = batches + 1,
    paced_until = greatest(paced_until, clock_timestamp()) + make_interval(secs => %(size)s / rate::float)
  WHERE id = %(backfill_id)s AND state = 'running' AND batches < max_batches
  RETURNING coalesce(extract(epoch FROM paced_until - clock_timestamp()), 0)::float AS wait_s
)
UPDATE features_backfillchunk SET cursor = %(cursor)s, done = done + %(done)s, failed = failed + %(failed)s, tries = 0,
  busy_s = busy_s + %(busy_s)s, database_s = database_s + %(database_s)s,
  error = coalesce(nullif(%(error)s, ''), error),
  lease_until = clock_timestamp() + make_interval(secs => %(lease)s + wait_s)
FROM running WHERE features_backfillchunk.id = %(id)s AND token = %(token)s AND features_backfillchunk.state = 'running'
RETURNING wait_s
"""


def advance(claimed: Claimed, batch: Sequence[str], done: Refreshed, *, busy_s: float, database_s: float) -> float:
    """Note a batch in its own transaction; returns for how many seconds the rate asks to wait. Raises Stopped."""
    values = {
        "id": claimed.id,
        "token": claimed.token,
        "backfill_id": claimed.backfill_id,
        "cursor": batch[-1],
        "size": len(batch),
        "done": done.entities,
        "failed": len(done.failed),
        "error": next((f"{entity_id}: {error}"[:300] for entity_id, error in done.failed.items()), ""),
        "busy_s": busy_s,
        "database_s": database_s,
        "lease": LEASE_S,
    }
    with connection.cursor() as cursor:
        cursor.execute(ADVANCE, values)
        if row := cursor.fetchone():
            return row[0]
    raise Stopped


RELEASE = """
UPDATE features_backfillchunk SET state = 'waiting', lease_until = NULL, task_id = NULL, worker = '',
  tries = CASE WHEN %(error)s = '' THEN greatest(tries - 1, 0) ELSE tries END,
  error = coalesce(nullif(%(error)s, ''), error)
WHERE id = %(id)s AND token = %(token)s AND state = 'running'
"""


def release(claimed: Claimed, error: str = "") -> None:
    """Let somebody else go on from the cursor. With an error it counts as a try."""
    with connection.cursor() as cursor:
        cursor.execute(RELEASE, {"id": claimed.id, "token": claimed.token, "error": error[:300]})


@transaction.atomic
def finish(claimed: Claimed) -> None:
    """The range is done to its end; with the last one so is the backfill."""
    backfill = Backfill.objects.select_for_update().get(pk=claimed.backfill_id)
    BackfillChunk.objects.filter(pk=claimed.id, token=claimed.token, state="running").update(
        state="done", lease_until=None, finished_at=Now()
    )
    if backfill.state == State.RUNNING:
        _ended(backfill)
