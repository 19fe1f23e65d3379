"""What recordings do behind: completed sessions are measured, and every five minutes those that were missed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import transaction

from features.services import request_refresh
from recordings.extraction import coverage, files
from recordings.intake import files as samples
from recordings.models import Measurement
from tasks.definitions import TemporaryError, every, task
from tasks.execution import TaskContext

AT_ONCE = 10  # before batches, for what somebody waits for
MAX_BATCHES = 1_000


@task(queue_name="low", takes_context=True, atomic=False, max_running=2, timeout_s=3_600, backoff_initial_s=10)
def extract_recording_features(context: TaskContext, *, session_id: str) -> dict[str, Any]:
    """Measure what is not measured yet of a completed session, one measurement after the other.

    Samples that contradict their metadata are stored as errors. Raises TemporaryError, after the others are measured,
    where a file cannot be read now.
    """
    from recordings.extraction import work  # numpy and what draws are for workers alone
    from recordings.samples import SamplesMissing

    rows = work.waiting(session_id)
    measured, unreadable, missing = 0, 0, list[str]()
    for number, row in enumerate(rows):
        tell = _teller(context, row, number, len(rows))
        try:
            done = work.extract(row, task_id=context.task_id, tell=tell, fence=context.fence)
        except (SamplesMissing, OSError) as error:
            missing.append(f"{row.name}: {error}")
        else:
            measured, unreadable = measured + (not done.error), unreadable + bool(done.error)
    if measured:
        for entity_type in ("measurement", "recording"):
            request_refresh(entity_type)
    if missing:
        raise TemporaryError(f"{len(missing)} of {len(rows)} files cannot be read now; {missing[0]}")
    return {"session_id": session_id, "measured": measured, "unreadable": unreadable}


def _teller(context: TaskContext, row: Measurement, number: int, of: int) -> Callable[[float], None]:
    def tell(share: float) -> None:
        context.progress(100 * (number + share) / of, f"{number + 1} of {of}: {row.name}"[:200])

    return tell


def request_extraction(session_id: Any, *, priority: int = AT_ONCE) -> str:
    """Ask for a session's extraction, unless one waits or runs. Returns the task's id."""
    definition = extract_recording_features.using(
        priority=priority,
        unique_key=f"extract_recording:{session_id}",
        subject=(coverage.SUBJECT, str(session_id)),
    )
    return definition.enqueue(session_id=str(session_id)).id


@every(timedelta(minutes=5), batch_size=50, max_batches=5)
@task(takes_context=True, atomic=False, timeout_s=600)
def batch_feature_extraction(context: TaskContext, *, batch_size: int = 50, max_batches: int = 5) -> dict[str, Any]:
    """Ask for the extraction of completed sessions without features, newest first: batch_size × max_batches at most."""
    return _ask(context, batch_size, max_batches)


@task(takes_context=True, atomic=False, timeout_s=3_600)
def backfill_all_features(
    context: TaskContext, *, batch_size: int = 50, max_batches: int = MAX_BATCHES
) -> dict[str, Any]:
    """Ask for the extraction of all of them, up to MAX_BATCHES batches."""
    return _ask(context, batch_size, min(max_batches, MAX_BATCHES))


def _ask(context: TaskContext, batch_size: int, max_batches: int) -> dict[str, Any]:
    queued = batches = 0
    while batches < max_batches and (asked := _ask_batch(context, batch_size)):
        queued, batches = queued + asked, batches + 1
        context.progress(100 * batches / max_batches, f"{queued:,} recordings")
    return {"total_found": queued, "tasks_queued": queued, "batches": batches}


@transaction.atomic
def _ask_batch(context: TaskContext, size: int) -> int:
    sessions = coverage.due_sessions(size)
    for session_id in sessions:
        request_extraction(session_id, priority=0)
    if sessions:
        context.fence()
    return len(sessions)


@every(timedelta(hours=1))
@task(queue_name="low", atomic=False, timeout_s=600)
def tidy_recordings() -> dict[str, int]:
    """Remove samples and pictures that belong to no measurement any more, or never did."""
    return {"samples": samples.remove_abandoned(), "pictures": files.remove_abandoned()}
