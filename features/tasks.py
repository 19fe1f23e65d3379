"""What the feature store does behind: one entity for a request, all that is stale after new events, and batches."""

from __future__ import annotations

import time
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import DataError, transaction
from django.utils import timezone

from features import offline, training
from features.backfill import chunks
from features.backfill.models import Backfill, State
from features.backfill.work import work
from features.definitions import FeatureSet, feature_sets
from features.lineage import emission
from features.models import ErasedEntity
from features.quality import alerts, snapshots
from features.quality.difference import compare, find_versions
from features.quality.models import QualityAlert
from features.training import datasets
from features.training.models import Dataset
from features.values import counts, coverage_days, extraction
from features.values.materialize import Refreshed, refresh
from tasks.definitions import PermanentError, TemporaryError, cron, every, task
from tasks.execution import TaskContext, worker_name
from tasks.models import LIVE, Status, Task

DRAIN_BATCH, DRAIN_BATCHES = 1_000, 100
TURN_S = 300  # how long a backfill keeps a worker before other tasks of its queue get a turn


@task(queue_name="high", takes_context=True, atomic=True, timeout_s=60)
def compute_features(
    context: TaskContext, *, entity_type: str, entity_id: str, feature_set: str, feature_version: str
) -> dict[str, Any]:
    """Bring one entity up to date. All of its sets are computed; the named one is what the caller waits for."""
    asked_at = context.task_result.enqueued_at
    done = extraction.extract_one(entity_type, entity_id, task_id=context.task_id, asked_at=asked_at)
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
    return total.summary()


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
    return done.summary()


@task(queue_name="low", takes_context=True, atomic=False, timeout_s=3600)
def repair_history(context: TaskContext, *, entity_type: str) -> dict[str, Any]:
    """Correct stored values of past times where late events touch more of them than one transaction takes."""
    total = Refreshed()
    for done in extraction.repair_histories(entity_type, task_id=context.task_id, before_commit=context.fence):
        total.add(done)
        context.progress(0, f"{total.entities} parts")
    return total.summary()


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
    return total.summary() | {"batches": max_batches - left}


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
    return total.summary()


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


@task(queue_name="low", takes_context=True, atomic=False, timeout_s=3600, max_running=2)
def build_dataset(context: TaskContext, *, dataset_id: str) -> dict[str, Any]:
    """Write the file of a dataset. Raises PermanentError where it cannot be, with what to do in its message."""
    training.require()
    from features.training.building import build

    dataset = Dataset.objects.filter(pk=dataset_id).first()
    if dataset is None:
        raise PermanentError("The dataset was deleted.")
    name = f"{dataset.pk}.{dataset.format}"
    file = datasets.folder() / name
    try:
        built = build(dataset.request, file, context.progress)
        with transaction.atomic():
            if not datasets.finish(dataset_id=dataset.pk, path=name, built=built):
                raise PermanentError("The dataset was deleted.")
            context.fence()
    finally:
        if not Dataset.objects.filter(pk=dataset_id).exists():  # deleted meanwhile, perhaps with an entity it holds
            file.unlink(missing_ok=True)
    return {"dataset_id": dataset_id, "rows": built.rows, "bytes": built.bytes, "sha256": built.sha256}


@every(timedelta(hours=1))
@task(queue_name="low", atomic=False)
def remove_expired_datasets() -> dict[str, int]:
    """Remove datasets past their time, and files that nothing names."""
    return {"removed": datasets.remove_expired(now=timezone.now())}


@cron(settings.QUALITY_CRON)
@task(queue_name="low", takes_context=True, atomic=False, timeout_s=3600)
def snapshot_quality(context: TaskContext, *, feature_set: str = "") -> dict[str, Any]:
    """Measure the stored values of every feature set, or of one (`name@version`), and open or close alerts."""
    sets = [each for each in feature_sets() if feature_set in ("", each.label())]
    result: dict[str, Any] = {"features": 0, "alerts": [], "errors": {}}
    for done, each in enumerate(sets, 1):
        try:
            with transaction.atomic():
                features, told = _snapshot(each, context.task_id)
                context.fence()
        except DataError as error:  # of one set; the others are measured
            result["errors"][each.label()] = str(error).splitlines()[0]
            continue
        result["features"] += features
        result["alerts"] += told
        context.progress(100 * done / len(sets), each.label())
    snapshots.clean(timezone.now())
    return result


def _snapshot(feature_set: type[FeatureSet], task_id: str) -> tuple[int, list[int]]:
    """How many features were measured, and the ids of the alerts that were opened: each has a task that tells of it."""
    taken, opened = snapshots.take_snapshot(feature_set, task_id=task_id)
    for alert in opened:
        report = report_quality_alert.using(subject=("quality_alert", str(alert.pk))).enqueue(alert_id=alert.pk)
        QualityAlert.objects.filter(pk=alert.pk).update(task_id=report.id)
    return len(taken), [alert.pk for alert in opened]


@task(queue_name="default")
def report_quality_alert(*, alert_id: int) -> dict[str, Any]:
    """Tell the webhooks that listen to this task's name of an alert: its result is the alert."""
    return alerts.described(QualityAlert.objects.select_related("feature_set").get(pk=alert_id))


@task(queue_name="low", takes_context=True, atomic=False, timeout_s=1800, result_ttl_s=86_400)
def compare_definitions(context: TaskContext, *, old: str, new: str, sample: int, as_of: str) -> dict[str, Any]:
    """Compute two versions of a set for the same entities and say what changes; nothing is stored."""
    versions = find_versions(old, new)
    result: dict[str, Any] = {}
    for done, result in compare(*versions, sample=sample, as_of=datetime.fromisoformat(as_of)):  # noqa: B007
        context.progress(100 * done / sample, f"{done} entities")
    return {"old": old, "new": new, "as_of": as_of, "features": result}


@task(queue_name="default", max_attempts=10)
def erase_exported(*, tombstone: int) -> dict[str, Any]:
    """Rewrite the exported files that hold an erased entity, then forget its id: the tombstone's hash stays."""
    offline.require()
    from features.offline.erasure import erase

    row = ErasedEntity.objects.select_for_update().get(pk=tombstone)
    files = 0 if row.entity_id is None else erase(row.entity_type, row.entity_id, name=row.name).files
    ErasedEntity.objects.filter(pk=tombstone).update(entity_id=None)
    return {"files": files}


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
