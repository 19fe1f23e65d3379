"""The datasets that hold an entity, which go with it when it is erased."""

from __future__ import annotations

from collections.abc import Iterator

from audit.services import log_audit_event
from features.definitions import find_feature_set
from features.models import RawEvent
from features.training.datasets import drop_file
from features.training.models import Dataset
from features.training.request import time
from tasks.models import LIVE, Task
from tasks.services import cancel_task


def naming(entity_type: str, entity_id: str) -> list[Dataset]:
    """Datasets, finished or not, in whose spine the entity was sent."""
    return [
        dataset
        for dataset in Dataset.objects.filter(request__spine__rows__contains=[[entity_id]])
        if _may_be_of(dataset, entity_type) and any(row[0] == entity_id for row in dataset.request["spine"]["rows"])
    ]


def labelling(entity_type: str, entity_id: str) -> Iterator[Dataset]:
    """Datasets, finished or not, that have a row for an event of the entity. Ask before its events are deleted."""
    for dataset in Dataset.objects.filter(request__spine__has_key="label"):
        label = dataset.request["spine"]["label"]
        events = RawEvent.objects.filter(
            entity_type=entity_type,
            entity_id=entity_id,
            event_type=label["event_type"],
            recorded_at__lte=time(dataset.request["recorded_by"]),
        )
        if label["since"]:
            events = events.filter(event_time__gte=time(label["since"]))
        if label["until"]:
            events = events.filter(event_time__lte=time(label["until"]))
        if events.exists():
            yield dataset


def delete_datasets_of(*, entity_type: str, entity_id: str) -> int:
    """Delete what holds the entity, files with the commit; a task that still builds one is cancelled. How many."""
    found = [*naming(entity_type, entity_id), *labelling(entity_type, entity_id)]
    ids = [str(dataset.pk) for dataset in found]
    for dataset in Dataset.objects.select_for_update().filter(pk__in=ids).order_by("pk"):
        if Task.objects.filter(pk__in=[dataset.task_id], status__in=LIVE).exists():
            cancel_task(task_id=dataset.task_id, reason="An entity in its dataset is erased.")
        log_audit_event("dataset_deleted", "dataset", dataset.pk, {"sha256": dataset.sha256, "by": "erasure"})
        dataset.delete()
        drop_file(dataset)
    return len(found)


def _may_be_of(dataset: Dataset, entity_type: str) -> bool:
    """True of features that are not declared any more."""
    name, _, version = dataset.request["features"][0].rpartition(":")[0].partition("@")
    feature_set = find_feature_set(name, version)
    return feature_set is None or feature_set.entity.name == entity_type
