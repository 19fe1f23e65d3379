"""What people and programs ask of the feature store; the module domains act with."""

from __future__ import annotations

from django.db import transaction

from audit.services import log_audit_event
from features import tasks
from features.ingest import Ingested, NewEvent, ingest, ingest_in_batches, record
from features.lineage import Lineage, NothingStored, lineage
from features.online import Online, online
from features.overview import described, described_whole
from features.serving import Served, find_feature, point_in_time, stored, stored_sets
from features.tasks import request_refresh

__all__ = [
    "Ingested",
    "Lineage",
    "NewEvent",
    "NothingStored",
    "Online",
    "Served",
    "described",
    "described_whole",
    "find_feature",
    "ingest",
    "ingest_in_batches",
    "lineage",
    "online",
    "point_in_time",
    "record",
    "request_backfill",
    "request_batch_extraction",
    "request_features",
    "request_refresh",
    "stored",
    "stored_sets",
]


def request_features(*, entity_type: str, entity_id: str, feature_set: str, feature_version: str) -> str:
    """Ask for one entity's features to be brought up to date behind; returns the task's id."""
    definition = tasks.compute_features.using(
        subject=(entity_type, entity_id), coalesce_key=f"features:{entity_type}:{entity_id}"
    )
    return definition.enqueue(
        entity_type=entity_type, entity_id=entity_id, feature_set=feature_set, feature_version=feature_version
    ).id


@transaction.atomic
def request_batch_extraction(*, batch_size: int = 50, max_batches: int = 5, reason: str = "") -> str:
    """Start a batch extraction now; returns the task's id."""
    task_id = tasks.batch_feature_extraction.enqueue(batch_size=batch_size, max_batches=max_batches).id
    asked = {"batch_size": batch_size, "max_batches": max_batches, "reason": reason}
    log_audit_event("batch_extraction_requested", "task", task_id, asked)
    return task_id


@transaction.atomic
def request_backfill(*, batch_size: int = 50, max_batches: int = 1000, reason: str = "") -> str:
    """Start a backfill of everything that waits, unless one is live; returns the live one's id."""
    task_id = (
        tasks.backfill_all.using(unique_key="features.backfill_all")
        .enqueue(batch_size=batch_size, max_batches=max_batches)
        .id
    )
    asked = {"batch_size": batch_size, "max_batches": max_batches, "reason": reason}
    log_audit_event("backfill_requested", "task", task_id, asked)
    return task_id
