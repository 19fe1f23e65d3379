"""What people and programs ask of the feature store; the module domains act with."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from audit.services import log_audit_event
from features import tasks
from features.backfill.control import (
    cancel_backfill,
    estimate_backfill,
    pause_backfill,
    request_backfill,
    resume_backfill,
)
from features.catalogue import promote_version, withdraw_version
from features.erasure import erase as erasure
from features.erasure.erase import Erased, proof
from features.intake.ingest import Ingested, NewEvent, ingest, ingest_in_batches, record
from features.lineage.overview import described, described_whole
from features.lineage.trace import Lineage, NothingStored, lineage
from features.offline.models import Export
from features.quality.alerts import acknowledge_alert
from features.quality.difference import find_versions
from features.quality.references import take_reference
from features.serving.online import Online, online
from features.serving.stored import Served, find_feature, point_in_time, stored, stored_sets
from features.tasks import request_refresh

__all__ = [
    "Erased",
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
    "acknowledge_alert",
    "erase_entity",
    "find_feature",
    "ingest",
    "ingest_in_batches",
    "lineage",
    "online",
    "pause_backfill",
    "point_in_time",
    "promote_version",
    "proof",
    "record",
    "request_backfill",
    "request_batch_extraction",
    "request_comparison",
    "request_features",
    "request_refresh",
    "request_snapshot",
    "resume_backfill",
    "stored",
    "stored_sets",
    "take_reference",
    "withdraw_version",
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
def request_snapshot(*, feature_set: str = "", reason: str = "") -> str:
    """Measure one set (`name@version`) or all of them now, unless that waits or runs; returns the task's id."""
    definition = tasks.snapshot_quality.using(unique_key=f"features.snapshot_quality:{feature_set}")
    task_id = definition.enqueue(feature_set=feature_set).id
    log_audit_event("quality_snapshot_requested", "task", task_id, {"feature_set": feature_set, "reason": reason})
    return task_id


@transaction.atomic
def request_comparison(*, old: str, new: str, sample: int = 1_000, reason: str = "") -> str:
    """Compare two versions (`name@version`) over a sample of entities, as of now; returns the task's id.

    Raises NotComparable.
    """
    find_versions(old, new)
    asked = {"old": old, "new": new, "sample": sample}
    task_id = tasks.compare_definitions.enqueue(**asked, as_of=timezone.now().isoformat()).id
    log_audit_event("comparison_requested", "task", task_id, asked | {"reason": reason})
    return task_id


@transaction.atomic
def erase_entity(*, entity_type: str, entity_id: str, reason: str) -> tuple[Erased, str | None]:
    """Erase an entity from the feature store; see `features.erasure.erase`. Raises Busy.

    Returns what went, and the task that rewrites exported files where there is an offline store.
    """
    exported = bool(settings.EXPORT_EVERY) or Export.objects.exists()
    done = erasure.erase_entity(entity_type=entity_type, entity_id=entity_id, reason=reason, exported=exported)
    task_id = None
    if done.waits:
        named = tasks.erase_exported.using(subject=(entity_type, done.name))
        task_id = named.enqueue(tombstone=done.tombstone).id
    return done, task_id
