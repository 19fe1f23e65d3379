"""What people and programs ask of the feature store; the module domains act with."""

from __future__ import annotations

from django.db import transaction

from audit.services import log_audit_event
from features import tasks
from features.backfill.control import (
    cancel_backfill,
    estimate_backfill,
    pause_backfill,
    request_backfill,
    resume_backfill,
)
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
    "cancel_backfill",
    "described",
    "described_whole",
    "estimate_backfill",
    "find_feature",
    "ingest",
    "ingest_in_batches",
    "lineage",
    "online",
    "pause_backfill",
    "point_in_time",
    "record",
    "request_backfill",
    "request_batch_extraction",
    "request_features",
    "request_refresh",
    "resume_backfill",
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
