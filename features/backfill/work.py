"""Work on a backfill: claim a chunk, refresh it batch by batch at the pace that was asked for, claim the next."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from typing import Any

from django.db import Error, connection, transaction
from django.db.models.functions import Now

from features.backfill import chunks
from features.backfill.estimate import estimate, known
from features.backfill.models import Backfill, Scope, State
from features.values import coverage
from features.values.materialize import Refreshed, refresh

LOOK_S = 1.0  # how soon a worker that waits hears of a pause


def nothing() -> None:
    """For workers that are no tasks."""


def work(
    backfill_id: Any,
    *,
    worker: str,
    task_id: str | None = None,
    fence: Callable[[], None] = nothing,
    look: Callable[[], None] = nothing,
) -> Generator[tuple[str, Refreshed]]:
    """Work while there is a free chunk, and yield each batch's entity type and what it did.

    Stop iterating, and the chunk is given back.
    fence: called last in each transaction. look: called at least every second; both may raise to stop.
    """
    start(backfill_id)
    while claimed := chunks.claim(backfill_id, worker=worker, task_id=task_id):
        yield from _work_on(claimed, task_id=task_id, fence=fence, look=look)


@transaction.atomic
def start(backfill_id: Any) -> None:
    """Estimate a planned backfill and cut it into chunks, once."""
    backfill = Backfill.objects.select_for_update().get(pk=backfill_id)
    if backfill.state != State.PLANNED:
        return
    try:
        sets = chunks.sets_of(backfill, backfill.entity_type) if backfill.feature_sets else []
    except LookupError as error:
        chunks.end(backfill, State.FAILED, str(error))
        return
    rows = estimate(
        entity_type=backfill.entity_type,
        scope=backfill.scope,
        as_of=backfill.as_of,
        sets=sets,
        batch_size=backfill.batch_size,
        max_batches=backfill.max_batches,
        rate=backfill.rate,
        workers=backfill.workers,
    )
    chunks.cut(backfill, known(backfill.entity_type))
    expected = sum(row.entities for row in rows)
    estimated = [row.as_dict() for row in rows]
    Backfill.objects.filter(pk=backfill.pk).update(
        state=State.RUNNING, expected=expected, estimate=estimated, started_at=Now(), paced_until=Now()
    )


def _work_on(
    claimed: chunks.Claimed, *, task_id: str | None, fence: Callable[[], None], look: Callable[[], None]
) -> Generator[tuple[str, Refreshed]]:
    error = ""
    try:
        after = claimed.cursor
        while (backfill := Backfill.objects.get(pk=claimed.backfill_id)).state == State.RUNNING:
            if backfill.batches >= backfill.max_batches:
                return
            _wait(backfill, look)
            batch = _next(backfill, claimed, after)
            if not batch:
                chunks.finish(claimed)
                return
            yield claimed.entity_type, _step(backfill, claimed, batch, task_id=task_id, fence=fence)
            after = batch[-1]
    except chunks.Stopped:
        return
    except Exception as failure:
        error = f"{type(failure).__name__}: {failure}"
        raise
    finally:
        _give_back(claimed, error)


def _give_back(claimed: chunks.Claimed, error: str) -> None:
    try:
        chunks.release(claimed, error.replace("\x00", ""))
    except Error:
        connection.close()  # what cannot be released is free when its lease runs out


def _wait(backfill: Backfill, look: Callable[[], None]) -> None:
    """Until the pace allows the next batch; returns early for one that is paused or ended meanwhile."""
    look()
    while (left_s := _owed_s(backfill)) > 0:
        time.sleep(min(left_s, LOOK_S))
        look()
        backfill.refresh_from_db(fields=["state", "paced_until"])


def _owed_s(backfill: Backfill) -> float:
    if backfill.rate is None or backfill.state != State.RUNNING:
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM %s - clock_timestamp())::float", [backfill.paced_until])
        return cursor.fetchone()[0]


def _next(backfill: Backfill, claimed: chunks.Claimed, after: str) -> list[str]:
    """The next entities; with a rate, each worker takes its share of what is allowed in a second."""
    limit = backfill.batch_size
    if backfill.rate is not None:
        limit = min(limit, max(backfill.rate // max(backfill.workers, 1), 1))
    if backfill.scope == Scope.EVERYONE:
        return coverage.known_entities(claimed.entity_type, after=after, until=claimed.until, limit=limit)
    return coverage.waiting_entities(
        claimed.entity_type,
        after=after,
        until=claimed.until,
        limit=limit,
        as_of=backfill.as_of,
        sets=chunks.sets_of(backfill, claimed.entity_type) if backfill.feature_sets else None,
    )


def _step(
    backfill: Backfill, claimed: chunks.Claimed, batch: list[str], *, task_id: str | None, fence: Callable[[], None]
) -> Refreshed:
    """One batch and the note of it, or neither. What waits and is locked is being computed by somebody else."""
    only = chunks.sets_of(backfill, claimed.entity_type) if backfill.feature_sets else None
    started, ours = time.perf_counter(), time.thread_time()
    with transaction.atomic():
        done = refresh(
            claimed.entity_type,
            batch,
            task_id=task_id,
            as_of=backfill.as_of,
            sets=only,
            skip_locked=backfill.scope == Scope.WAITING and only is None,
        )
        busy_s = time.perf_counter() - started
        database_s = max(busy_s - (time.thread_time() - ours), 0)
        chunks.advance(claimed, batch, done, busy_s=busy_s, database_s=database_s)
        fence()
    return done
