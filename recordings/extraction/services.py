"""What people ask of extractions. Each leaves an audit entry."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from audit.services import log_audit_event
from recordings import tasks
from recordings.extraction import coverage
from recordings.models import Measurement, MeasurementFeatures, RecordingSession


class NothingToExtract(Exception):
    """The session is not completed, or all that can be measured of it is measured; the message says which."""


@transaction.atomic
def request_batch_extraction(*, batch_size: int = 50, max_batches: int = 5, reason: str = "") -> str:
    """Start a batch for completed sessions without features; returns the task's id."""
    task_id = tasks.batch_feature_extraction.enqueue(batch_size=batch_size, max_batches=max_batches).id
    asked = {"batch_size": batch_size, "max_batches": max_batches, "reason": reason}
    log_audit_event("recording_batch_requested", "task", task_id, asked)
    return task_id


@transaction.atomic
def request_backfill(*, batch_size: int = 50, max_batches: int = tasks.MAX_BATCHES, reason: str = "") -> str:
    """Ask for all of them, or join the backfill that waits or runs; returns the task's id."""
    definition = tasks.backfill_all_features.using(unique_key="recordings.backfill_all_features")
    task_id = definition.enqueue(batch_size=batch_size, max_batches=max_batches).id
    asked = {"batch_size": batch_size, "max_batches": max_batches, "reason": reason}
    log_audit_event("recording_backfill_requested", "task", task_id, asked)
    return task_id


@transaction.atomic
def extract_session(*, session_id: Any, reason: str = "") -> str:
    """Measure what a session lacks now, also what could not be read before; returns the task's id.

    Raises NothingToExtract.
    """
    session = RecordingSession.objects.select_for_update(no_key=True).get(pk=session_id)
    if session.status != RecordingSession.Status.COMPLETED:
        raise NothingToExtract(
            f"The session is {session.get_status_display().lower()}, and only a completed one is extracted."
        )
    unreadable = MeasurementFeatures.objects.filter(recording_session=session).exclude(error="")
    again = [str(pk) for pk in unreadable.values_list("pk", flat=True)]
    unreadable.delete()
    if not Measurement.objects.filter(session=session, features=None).exclude(iq_data_location="").exists():
        raise NothingToExtract("All its measurements with IQ data have features.")
    task_id = tasks.request_extraction(session.pk)
    log_audit_event(
        "recording_extraction_requested",
        coverage.SUBJECT,
        session.pk,
        {"task": task_id, "again": again, "reason": reason},
    )
    return task_id
