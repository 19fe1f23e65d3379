"""Buttons of recordings in the console, and the page that tells how far their extraction is."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db import OperationalError
from django.urls import reverse
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from base.admin import Button, Done, ReasonForm, ReasonRequiredForm
from base.links import row_link
from base.panels import BAD, GOOD, WARN, Number, Panel, Table, Tracker, when
from recordings.extraction import coverage, services
from recordings.intake.services import NotRecording, end_session
from recordings.models import MeasurementFeatures, RecordingSession
from tasks.models import Task
from tasks.panels import work_panel

TASKS = ["recordings.batch_feature_extraction", "recordings.backfill_all_features"]
SHOWN = 20
PERMISSION = "recordings.extract_measurement"


class BatchForm(ReasonForm):
    field_order = ["batch_size", "max_batches", "reason"]
    batch_size = forms.IntegerField(
        min_value=1, max_value=5_000, initial=50, widget=UnfoldAdminIntegerFieldWidget(),
        help_text="Recordings asked for in one transaction, 1–5,000.",
    )  # fmt: skip
    max_batches = forms.IntegerField(
        min_value=1, max_value=1_000, initial=5, widget=UnfoldAdminIntegerFieldWidget(), help_text="1–1,000."
    )


class BackfillForm(BatchForm):
    max_batches = forms.IntegerField(
        min_value=1, max_value=1_000, initial=1_000, widget=UnfoldAdminIntegerFieldWidget(),
        help_text="The safety limit, 1–1,000.",
    )  # fmt: skip


def batch(row: None, data: dict[str, Any]) -> Done:
    return Done("The batch was started; this is its task.", task_page(services.request_batch_extraction(**data)))


def backfill(row: None, data: dict[str, Any]) -> Done:
    task_id = services.request_backfill(**data)
    return Done("This is the backfill's task; a second press joins it while it lives.", task_page(task_id))


def extract(row: RecordingSession, data: dict[str, Any]) -> Done:
    task_id = services.extract_session(session_id=row.pk, reason=data["reason"])
    return Done("The extraction was started; this is its task.", task_page(task_id))


def complete(row: RecordingSession, data: dict[str, Any]) -> Done:
    end_session(session_id=row.pk, reason=data["reason"])
    return Done("The session is completed, and its extraction was asked for.")


def give_up(row: RecordingSession, data: dict[str, Any]) -> Done:
    end_session(session_id=row.pk, failed=True, reason=data["reason"])
    return Done("The session has failed.")


def task_page(task_id: str) -> str:
    return reverse("admin:tasks_task_change", args=[task_id])


def dry_run(form: forms.Form) -> list[Panel]:
    """How many recordings would be asked for now; nothing is started."""
    try:
        due = f"{coverage.count_due():,}"
    except OperationalError:
        due = "more than can be counted in time"
    return [Number(title="Recordings that wait", value=due, note="completed, with IQ data, without features", width=12)]


def is_recording(row: RecordingSession) -> bool:
    return row.status == RecordingSession.Status.RECORDING


OF_SESSION = [
    Button(
        name="complete",
        title="Complete",
        icon="check_circle",
        permission="recordings.add_measurement",
        question="Nothing more can be added then; its features are extracted.",
        press=complete,
        refusals=(NotRecording,),
        offered=is_recording,
    ),
    Button(
        name="fail",
        title="Give up",
        icon="cancel",
        permission="recordings.add_measurement",
        question="Nothing more can be added then. Its measurements are kept and not extracted.",
        press=give_up,
        refusals=(NotRecording,),
        offered=is_recording,
        form=ReasonRequiredForm,
        danger=True,
    ),
    Button(
        name="extract",
        title="Extract now",
        icon="play_arrow",
        permission=PERMISSION,
        question="Measures what this session lacks, and tries again what could not be read.",
        press=extract,
        refusals=(services.NothingToExtract,),
        offered=lambda row: row.status == RecordingSession.Status.COMPLETED,
        many=True,
    ),
]
BATCHES = [
    Button(
        name="batch",
        title="Extract a batch",
        icon="play_arrow",
        permission=PERMISSION,
        question="Asks for the features of completed sessions that have none, newest first: at most batch size × "
        "batches of them, in the background. A periodic task does the same every five minutes.",
        press=batch,
        preview=dry_run,
        form=BatchForm,
        offered=lambda row: row is None,
        on_row=False,
    ),
    Button(
        name="backfill",
        title="Backfill all",
        icon="layers",
        permission=PERMISSION,
        question="Asks for the features of all sessions that have none, in the background and behind everything else.",
        press=backfill,
        preview=dry_run,
        form=BackfillForm,
        offered=lambda row: row is None,
        on_row=False,
    ),
]


def coverage_panels(user: Any) -> list[Panel]:
    found = coverage.coverage()
    return [
        covered(found),
        Number(title="Wait", value=f"{found.waiting:,}", note="with something not measured yet",
               tone=WARN if found.waiting else GOOD),
        Number(title="Cannot be read", value=f"{found.failed:,}", note=f"{found.unreadable:,} measurements in all",
               tone=BAD if found.failed else GOOD),
        Number(title="Measurements", value=f"{found.measurements:,}", note=f"{found.measured:,} have features"),
        Tracker(
            title="Completed recordings with IQ data",
            parts=[("with features", found.with_features, GOOD), ("wait", found.waiting, WARN),
                   ("cannot be read", found.failed, BAD)],
            note=f"{found.with_features:,} of {found.recordings:,} have features.",
        ),
        unreadable_panel(user),
        *work_panel(user, Task.objects.filter(name__in=TASKS), title="Batches and backfills"),
        *work_panel(user, Task.objects.filter(name="recordings.extract_recording_features"), title="Extractions"),
    ]  # fmt: skip


def covered(found: coverage.Coverage) -> Number:
    return Number(
        title="Recordings with features",
        value=f"{found.percent:g} %",
        note=f"{found.with_features:,} of {found.recordings:,}; {found.waiting:,} wait, {found.failed:,} unreadable",
        tone=BAD if found.failed else WARN if found.waiting else GOOD,
        href=reverse("admin:recordings_coverage"),
    )


def unreadable_panel(user: Any) -> Table:
    rows = MeasurementFeatures.objects.exclude(error="").select_related("measurement", "recording_session")
    return Table(
        title=f"Samples that cannot be read, the last {SHOWN} at most",
        headers=["Measurement", "Session", "At", "Error"],
        rows=[
            (row_link(user, type(row.measurement), row.pk, row.measurement),
             row_link(user, RecordingSession, row.recording_session_id, row.recording_session),
             when(row.computed_at), row.error)
            for row in rows[:SHOWN]
        ],
    )  # fmt: skip
