"""Sessions and their measurements: begun, added to, completed, removed. The only writers of their rows."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import DatabaseError, IntegrityError, transaction
from django.db.models.functions import Now

from audit.services import log_audit_event
from recordings import tasks
from recordings.intake import files
from recordings.intake.incoming import Arrived, Incoming
from recordings.models import Measurement, MeasurementFeatures, RecordingSession

Status = RecordingSession.Status


class NotRecording(Exception):
    """The session is completed or failed, and takes no more; the message says which."""


class NameTaken(Exception):
    """The session has a measurement of this name, or the file is registered already."""


@transaction.atomic
def create_session(
    *, name: str, by: Any, description: str = "", source: str = RecordingSession.Source.UPLOAD
) -> RecordingSession:
    session = RecordingSession.objects.create(name=name, description=description, source=source, created_by=by)
    log_audit_event("recording_session_created", "recording_session", session.pk, {"source": source})
    session.refresh_from_db()  # the database gave the times
    return session


def take_in(*, incoming: Incoming, session_id: UUID, name: str) -> Measurement:
    """Finish what came and keep it; as `add_measurement`, and raises one of REFUSALS."""
    arrived = incoming.finish()
    try:
        measurement = add_measurement(session_id=session_id, name=name, arrived=arrived)
    except DatabaseError:  # nobody knows whether it was stored, so the file is left to `remove_abandoned`
        incoming.kept = True
        raise
    incoming.kept = True
    return measurement


@transaction.atomic
def add_measurement(*, session_id: UUID, name: str, arrived: Arrived) -> Measurement:
    """Keep a recording that was checked. Raises NotRecording, NameTaken, RecordingSession.DoesNotExist."""
    _lock_recording(session_id)
    metadata, layout = arrived.metadata, arrived.layout
    told: dict[str, Any] = {"captured_at": metadata.captured_at} if metadata.captured_at else {}
    if layout is not None:
        told |= {
            "sample_count": layout.count,
            "header_bytes": layout.header_bytes,
            "trailing_bytes": layout.trailing_bytes,
        }
    try:
        with transaction.atomic():
            measurement = Measurement.objects.create(
                session_id=session_id,
                name=name,
                datatype=metadata.datatype,
                sample_rate=metadata.sample_rate,
                frequency=metadata.frequency,
                num_channels=metadata.num_channels,
                size_bytes=arrived.size,
                iq_data_location=arrived.location,
                data_offset=arrived.offset,
                sha512=arrived.sha512,
                metadata=metadata.document,
                notes=list(arrived.notes),
                **told,
            )
    except IntegrityError:
        raise NameTaken(f"The session has a measurement {name!r} already.") from None
    log_audit_event(
        "measurement_added",
        "measurement",
        measurement.pk,
        {"session": str(session_id), "name": name, "bytes": arrived.size, "sha512": arrived.sha512},
    )
    measurement.refresh_from_db()
    return measurement


@transaction.atomic
def end_session(*, session_id: UUID, failed: bool = False, reason: str = "") -> tuple[RecordingSession, str | None]:
    """Nothing more will come: completed, so that it is extracted, or failed. Raises NotRecording, DoesNotExist.

    Returns the session and the task that extracts it.
    """
    session = _lock_recording(session_id)
    session.status = Status.FAILED if failed else Status.COMPLETED
    RecordingSession.objects.filter(pk=session.pk).update(status=session.status, session_end=Now())
    measurements = Measurement.objects.filter(session_id=session.pk).count()
    action = f"recording_session_{session.status}"
    told = {"measurements": measurements} | ({"reason": reason} if reason else {})
    log_audit_event(action, "recording_session", session.pk, told)
    session.refresh_from_db()
    return session, None if failed else tasks.request_extraction(session.pk)


@transaction.atomic
def delete_session(*, session_id: UUID) -> None:
    """With its measurements, what was measured on them, and the files that are ours. Raises DoesNotExist."""
    session = RecordingSession.objects.select_for_update().get(pk=session_id)
    names = _files_of({"session_id": session.pk})
    told = {"name": session.name, "measurements": len(names)}
    session.delete()
    log_audit_event("recording_session_deleted", "recording_session", session_id, told)
    transaction.on_commit(lambda: files.remove(names), robust=True)


@transaction.atomic
def delete_measurement(*, measurement_id: UUID) -> None:
    """Raises Measurement.DoesNotExist."""
    measurement = Measurement.objects.select_for_update().get(pk=measurement_id)
    names = _files_of({"pk": measurement.pk})
    measurement.delete()
    told = {"session": str(measurement.session_id), "name": measurement.name}
    log_audit_event("measurement_deleted", "measurement", measurement_id, told)
    transaction.on_commit(lambda: files.remove(names), robust=True)


def _lock_recording(session_id: UUID) -> RecordingSession:
    session = RecordingSession.objects.select_for_update(no_key=True).get(pk=session_id)
    if session.status != Status.RECORDING:
        raise NotRecording(f"The session is {session.status}; it takes nothing more.")
    return session


def _files_of(measurements: dict[str, Any]) -> list[str]:
    """Names of the samples and pictures of measurements; also of registered ones, which `files.remove` leaves."""
    found = Measurement.objects.filter(**measurements)
    names = list(found.exclude(iq_data_location="").values_list("iq_data_location", flat=True))
    pictures = MeasurementFeatures.objects.filter(measurement__in=found).values_list("spectrogram", "spectrum")
    return names + [name for pair in pictures for name in pair if name]
