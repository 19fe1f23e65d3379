"""What the feature store does behind: one entity for a request, all that is stale after new events, and batches."""

from __future__ import annotations

import time
from contextlib import closing
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from features import counts, coverage_days, emission, extraction, offline, training
from features.backfill import chunks
from features.backfill.models import Backfill, State
from features.backfill.work import work
from features.materialize import Refreshed, refresh
from features.training import datasets
from features.training.models import Dataset
from tasks.definitions import PermanentError, TemporaryError, every, task
from tasks.execution import TaskContext, worker_name
from tasks.models import LIVE, Status, Task

DRAIN_BATCH, DRAIN_BATCHES = 500, 200
TURN_S = 300  # how long a backfill keeps a worker before other tasks of its queue get a turn


@task(queue_name="high", takes_context=True, atomic=True, timeout_s=60)
def compute_features(
    context: TaskContext, *, entity_type: str, entity_id: str, feature_set: str, feature_version: str
) -> dict[str, Any]:
    """Bring one entity up to date. All of its sets are computed; the named one is what the caller waits for."""
    done = refresh(entity_type, [entity_id], task_id=context.task_id)
    if done.unrepaired:
        request_repair(entity_type)
    if entity_id in done.failed:
        # The error is noted and the entity is tried again in the background.
        raise PermanentError(done.failed[entity_id])
    return {
        "entity_type": entity_type,
        "entity_id": entity_id,
        "feature_set": feature_set,
        "feature_version": feature_version,
        "events_processed": done.events,
        "features_stored": bool(done.entities),
    }


@task(queue_name="low", atomic=False, max_attempts=12, waits_s=(5, 30, 300, 1_800), max_running=2, timeout_s=30)
def tell_lineage(*, task_id: str, ended: bool) -> dict[str, Any]:
    """Tell the OpenLineage backend that a run has started or ended; for hours, until it takes the event."""
    return emission.send(task_id=task_id, ended=ended)


@task(takes_context=True, atomic=False, timeout_s=600)
def refresh_stale(context: TaskContext, *, entity_type: str) -> dict[str, Any]:
    """Count all waiting events of one entity type. Many events coalesce into one run of this."""
    emission.tell(context.task_id, by=tell_lineage)
    total = Refreshed()
    batches = extraction.extract(
        entity_type,
        batch_size=DRAIN_BATCH,
        max_batches=DRAIN_BATCHES,
        task_id=context.task_id,
        before_commit=context.fence,
    )
    for done in batches:
        total.add(done)
        context.progress(0, f"{total.entities} entities")
    if total.unrepaired:
        request_repair(entity_type)
    return _summary(total)


def request_refresh(entity_type: str) -> str:
    """Ask for `refresh_stale`, unless one that has not started yet will see the caller's events. Returns its id."""
    key = f"refresh:{entity_type}"
    return (
        refresh_stale.using(coalesce_key=key, subject=("entity_type", entity_type)).enqueue(entity_type=entity_type).id
    )


@task(takes_context=True, timeout_s=60)
def store_served(context: TaskContext, *, entity_type: str, entity_ids: list[str]) -> dict[str, Any]:
    """Store what a reader had to have computed, so that the next one finds it."""
    done = refresh(entity_type, entity_ids, task_id=context.task_id, skip_locked=True)
    if done.unrepaired:
        request_repair(entity_type)
    return _summary(done)


@task(queue_name="low", takes_context=True, atomic=False, timeout_s=3600)
def repair_history(context: TaskContext, *, entity_type: str) -> dict[str, Any]:
    """Correct stored values of past times where late events touch more of them than one transaction takes."""
    total = Refreshed()
    for done in extraction.repair_histories(entity_type, task_id=context.task_id, before_commit=context.fence):
        total.add(done)
        context.progress(0, f"{total.entities} parts")
    return _summary(total)


def request_repair(entity_type: str) -> str:
    """Ask for `repair_history`, unless one waits already. Returns its id."""
    key = f"repair:{entity_type}"
    return (
        repair_history.using(coalesce_key=key, subject=("entity_type", entity_type)).enqueue(entity_type=entity_type).id
    )


@every(timedelta(minutes=1))
@task(queue_name="low", timeout_s=60)
def compact_counts() -> dict[str, Any]:
    """Sum up what transactions added to the counts, so that reading them stays fast."""
    return {"counts": counts.compact()}


@every(timedelta(minutes=5), batch_size=50, max_batches=5)
@task(takes_context=True, atomic=False, timeout_s=600)
def batch_feature_extraction(context: TaskContext, *, batch_size: int = 50, max_batches: int = 5) -> dict[str, Any]:
    """Extract features for entities that have raw data but none, or stale ones: at most batch_size × max_batches."""
    return _extract_all(context, batch_size, max_batches)


@task(queue_name="low", takes_context=True, atomic=False, timeout_s=900)
def work_on_backfill(context: TaskContext, *, backfill_id: str) -> dict[str, Any]:
    """Work on a backfill's chunks for some minutes, then hand over to a task like this one, so that others get a turn.

    Pause or cancel the backfill itself: of its tasks another one takes the place.
    """
    emission.tell(context.task_id, by=tell_lineage)
    total, until = Refreshed(), time.monotonic() + TURN_S
    batches = work(
        backfill_id, worker=worker_name(), task_id=context.task_id, fence=context.fence, look=context.run.check
    )
    with closing(batches):
        for entity_type, done in batches:
            total.add(done)
            if done.unrepaired:
                request_repair(entity_type)
            backfill = Backfill.objects.get(pk=backfill_id)
            context.progress(backfill.percent, f"{backfill.done:,} of {backfill.expected:,} entities")
            if time.monotonic() > until:
                request_workers(backfill, 1)
                break
    return _summary(total)


def request_workers(backfill: Backfill, number: int) -> list[str]:
    """Ask for so many tasks that work on a backfill; returns their ids."""
    definition = work_on_backfill.using(subject=("backfill", str(backfill.pk)))
    return definition.enqueue_many([{"backfill_id": str(backfill.pk)}] * number)


@every(timedelta(minutes=1))
@task(queue_name="low", timeout_s=60)
def tend_backfills() -> dict[str, Any]:
    """Give each backfill that runs the workers it lacks, as those of before crashed, failed or were cancelled."""
    asked = 0
    for backfill in Backfill.objects.filter(state__in=[State.PLANNED, State.RUNNING], detached=True):
        tasks = Task.objects.filter(subject_type="backfill", subject_id=str(backfill.pk))
        if backfill.state == State.PLANNED and tasks.filter(status=Status.FAILED).count() >= chunks.MAX_TRIES:
            chunks.give_up(backfill.pk, "Its chunks could not be cut; its tasks tell why.")
            continue
        missing = backfill.workers - tasks.filter(status__in=LIVE).count()
        asked += len(request_workers(backfill, missing)) if missing > 0 else 0
    return {"workers": asked}


@every(timedelta(hours=1))
@task(queue_name="low", timeout_s=60)
def note_coverage() -> dict[str, Any]:
    """Write down today's coverage of each feature set, so that it can be seen over time."""
    return {"feature_sets": coverage_days.note()}


def _extract_all(context: TaskContext, batch_size: int, max_batches: int) -> dict[str, Any]:
    emission.tell(context.task_id, by=tell_lineage)
    total, left = Refreshed(), max_batches
    for entity_type in extraction.entity_types():
        unrepaired = total.unrepaired
        batches = extraction.extract(
            entity_type,
            batch_size=batch_size,
            max_batches=left,
            task_id=context.task_id,
            before_commit=context.fence,
        )
        for done in batches:
            total.add(done)
            left -= 1
            percent = 100 * (max_batches - left) / max_batches
            context.progress(percent, f"{total.entities} entities, {len(total.failed)} failed")
        if total.unrepaired > unrepaired:
            request_repair(entity_type)
    return _summary(total) | {"batches": max_batches - left}


@task(queue_name="low", takes_context=True, atomic=False, timeout_s=3600, max_running=2)
def build_dataset(context: TaskContext, *, dataset_id: str) -> dict[str, Any]:
    """Write the file of a dataset. Raises PermanentError where it cannot be, with what to do in its message."""
    training.require()
    from features.training.building import build

    dataset = Dataset.objects.filter(pk=dataset_id).first()
    if dataset is None:
        raise PermanentError("The dataset was deleted.")
    name = f"{dataset.pk}.{dataset.format}"
    built = build(dataset.request, datasets.folder() / name, context.progress)
    with transaction.atomic():
        datasets.finish(dataset_id=dataset.pk, path=name, built=built)
        context.fence()
    return {"dataset_id": dataset_id, "rows": built.rows, "bytes": built.bytes, "sha256": built.sha256}


@every(timedelta(hours=1))
@task(queue_name="low", atomic=False)
def remove_expired_datasets() -> dict[str, int]:
    """Remove datasets past their time, and files that nothing names."""
    return {"removed": datasets.remove_expired(now=timezone.now())}


def _summary(total: Refreshed) -> dict[str, Any]:
    shown = dict(list(total.failed.items())[:20])
    return {
        "entities": total.entities,
        "events_processed": total.events,
        "failed": len(total.failed),
        "errors": shown,
    }


@task(queue_name="low", takes_context=True, atomic=False, timeout_s=3600, max_running=1)
def export_events(context: TaskContext) -> dict[str, Any]:
    """Export new events to the offline store, merge small files and sweep. Raises PermanentError where it cannot."""
    offline.require()
    from features.offline.compaction import compact
    from features.offline.export import export_events as export
    from features.offline.horizon import WritersBusy
    from features.offline.upkeep import tidy

    emission.tell(context.task_id, by=tell_lineage)
    rows = files = merged = 0
    try:
        for done in export(task_id=context.task_id, before_commit=context.fence):
            rows, files = rows + done.rows, files + done.files
            context.progress(done.percent, f"{rows:,} events")
    except WritersBusy as error:
        raise TemporaryError(str(error)) from error
    for before, _ in compact(task_id=context.task_id, before_commit=context.fence):
        merged += before
        context.progress(100, f"{rows:,} events, {merged} files merged")
    swept = tidy()
    return {"events": rows, "files": files, "merged": merged, "removed": swept.replaced + swept.orphans}


if settings.EXPORT_EVERY:
    every(timedelta(minutes=settings.EXPORT_EVERY))(export_events)
