"""Ask for datasets, and let them go again."""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from audit.services import log_audit_event
from base import context
from features.training.models import Dataset
from features.training.request import sha256
from tasks.models import LIVE, Task

if TYPE_CHECKING:
    from features.training.building import Built

ORPHANED = timedelta(days=1)  # a file without a row is left alone for so long


class StillBuilding(Exception):
    """The dataset's task has not ended."""


def folder() -> Path:
    return Path(settings.DATASETS_DIR)


def file_of(dataset: Dataset) -> Path:
    return folder() / dataset.path


@transaction.atomic
def request_dataset(*, request: dict[str, Any]) -> Dataset:
    """Store a canonical request with the task that builds it."""
    from features.tasks import build_dataset

    dataset = Dataset.objects.create(
        request=request,
        request_sha256=sha256(request),
        format=request["format"],
        requested_by_id=context.current().user_id,
        expires_at=timezone.now() + timedelta(days=settings.DATASET_DAYS),
    )
    dataset.refresh_from_db()
    task = build_dataset.using(subject=("dataset", str(dataset.pk))).enqueue(dataset_id=str(dataset.pk))
    Dataset.objects.filter(pk=dataset.pk).update(task_id=task.id)
    dataset.task_id = UUID(str(task.id))
    asked = {"request_sha256": dataset.request_sha256, "features": len(request["features"]), "format": dataset.format}
    log_audit_event("dataset_requested", "dataset", dataset.pk, asked)
    return dataset


def finish(*, dataset_id: Any, path: str, built: Built) -> bool:
    """Note the file a dataset became; False: it was deleted meanwhile. The caller's transaction ends with its fence."""
    found = Dataset.objects.filter(pk=dataset_id).update(
        path=path,
        rows=built.rows,
        columns=built.columns,
        bytes=built.bytes,
        sha256=built.sha256,
        manifest=built.manifest,
        finished_at=Now(),
    )
    return bool(found)


def state_of(dataset: Dataset, task: Task | None) -> str:
    """`completed` once there is a file; else what its task says."""
    if dataset.finished_at is not None:
        return "completed"
    return "failed" if task is None or task.status == "completed" else str(task.status)


def tasks_of(datasets: list[Dataset]) -> dict[Any, Task]:
    return Task.objects.in_bulk([dataset.task_id for dataset in datasets if dataset.task_id])


@transaction.atomic
def delete_dataset(*, dataset_id: Any) -> None:
    """Remove a dataset and its file. Raises StillBuilding: its task can be cancelled first."""
    dataset = Dataset.objects.select_for_update().get(pk=dataset_id)
    if dataset.finished_at is None and Task.objects.filter(pk__in=[dataset.task_id], status__in=LIVE).exists():
        raise StillBuilding("The dataset is still being built; cancel its task first.")
    log_audit_event("dataset_deleted", "dataset", dataset.pk, {"sha256": dataset.sha256})
    dataset.delete()
    drop_file(dataset)


def drop_file(dataset: Dataset) -> None:
    """Remove its file with the commit."""
    if dataset.path:
        transaction.on_commit(lambda: file_of(dataset).unlink(missing_ok=True), robust=True)


def remove_expired(*, now: datetime) -> int:
    """Remove datasets past their time, and files that no row names. Returns how many datasets."""
    removed = 0
    for dataset in Dataset.objects.filter(expires_at__lte=now):
        with contextlib.suppress(StillBuilding, Dataset.DoesNotExist):
            delete_dataset(dataset_id=dataset.pk)
            removed += 1
    if folder().is_dir():
        known = set(Dataset.objects.values_list("path", flat=True))
        for file in folder().iterdir():
            old = file.stat().st_mtime < (now - ORPHANED).timestamp()
            if file.is_file() and old and file.name not in known:
                file.unlink(missing_ok=True)
    return removed
