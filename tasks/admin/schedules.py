"""Periodic tasks: when each ran and runs, and to run, pause and resume one."""

from __future__ import annotations

import inspect
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from audit.panels import trail_panel
from base.admin import BoardAdmin, Button, Done, ReasonRequiredForm, page_of
from base.links import row_link
from base.panels import WARN, Facts, Panel, Table, Text, anchor, badge, pretty, when
from tasks import schedules
from tasks.admin.pauses import pause_rows, paused
from tasks.definitions import registered
from tasks.models import PeriodicRun, Schedule, Status, Task
from tasks.models.schedule import Missed
from tasks.panels import TONES, work_panel

LATE = timedelta(seconds=60)
MISSED = {
    Missed.LATEST: "run once for the newest missed",
    Missed.SKIP: "run none of the missed",
    Missed.ALL: "run every missed one",
}


def run_now(row: Schedule, data: dict[str, Any]) -> Done:
    result = schedules.run_now(name=row.name, reason=data["reason"])
    return Done("It was started out of turn; this is its task.", reverse("admin:tasks_task_change", args=[result.id]))


def pause(row: Schedule, data: dict[str, Any]) -> Done:
    schedules.pause(name=row.name, reason=data["reason"])
    return Done("No slot of it starts any more until it is resumed.")


def resume(row: Schedule, data: dict[str, Any]) -> Done:
    schedules.resume(name=row.name, reason=data["reason"])
    return Done("Its slots start again.")


BUTTONS = [
    Button(
        name="run_now",
        title="Run now",
        icon="play_arrow",
        permission="tasks.run_schedule",
        question="Starts it out of turn, also while it is paused; its slots stay as they are. If its last run still "
        "waits, that one is shown instead.",
        press=run_now,
        refusals=(schedules.UnknownSchedule,),
        offered=lambda row: row.declared,
    ),
    Button(
        name="pause",
        title="Pause",
        icon="pause",
        permission="tasks.run_schedule",
        question="No slot starts until it is resumed. The missed-run policy then says what becomes of those between.",
        press=pause,
        refusals=(schedules.UnknownSchedule,),
        offered=lambda row: row.declared and row.paused_at is None,
        form=ReasonRequiredForm,
        danger=True,
    ),
    Button(
        name="resume",
        title="Resume",
        icon="play_circle",
        permission="tasks.run_schedule",
        question="Its slots start again; its missed-run policy says what becomes of those that passed.",
        press=resume,
        refusals=(schedules.UnknownSchedule,),
        offered=lambda row: row.declared and row.paused_at is not None,
    ),
]


@admin.register(Schedule)
class ScheduleAdmin(BoardAdmin):
    icon, entity_type, buttons = "schedule", "schedule", BUTTONS

    def board(self, request: HttpRequest) -> list[Panel]:
        schedules.declare()
        headers = ["Name", "Rhythm (UTC)", "Last slot", "Last task", "Next slot", "If missed", "Paused"]
        rows = [board_row(request.user, row) for row in self.get_queryset(request)]
        empty = "No app declares a periodic task."
        return [Table(title="Declared beside their code", headers=headers, rows=rows, empty=empty)]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Schedule]:
        return super().get_queryset(request).select_related("paused_by", "last_task")

    def panels(self, request: HttpRequest, row: Schedule) -> list[Panel]:
        return [
            Text(title="What it does", text=docstring(row), code=False),
            runs_panel(request.user, row),
            *work_panel(request.user, Task.objects.filter(name=row.name), title="Newest tasks of this name"),
            Text(title="Arguments", text=pretty(row.kwargs)),
            *trail_panel(request.user, "schedule", row.name),
            facts_panel(request.user, row),
        ]


def board_row(user: Any, row: Schedule) -> tuple:
    name = anchor(page_of(row), row.name)
    return (
        name if row.declared else format_html("{} {}", name, badge("not in code")),
        row.rhythm,
        when(row.last_slot),
        task_state(user, row.last_task),
        next_slot(row),
        row.get_missed_display().lower(),
        paused(row),
    )


def task_state(user: Any, task: Task | None) -> str:
    if task is None:
        return ""
    return row_link(user, Task, task.pk, badge(task.status, TONES[Status(task.status)]))


def next_slot(row: Schedule) -> str:
    """A slot that is long past means that no scheduler runs."""
    if row.paused_at or not row.declared:
        return ""
    if row.next_slot is None:
        return "when a scheduler runs"
    late = timezone.now() - row.next_slot > LATE
    return format_html("{} {}", when(row.next_slot), badge("no scheduler?", WARN)) if late else when(row.next_slot)


def docstring(row: Schedule) -> str:
    definition = registered(row.name)
    return (inspect.getdoc(definition.func) or "It does not say.") if definition else "No code knows this task now."


def runs_panel(user: Any, row: Schedule) -> Table:
    runs = PeriodicRun.objects.filter(name=row.name).select_related("task").order_by("-slot")[:20]
    rows = [
        (
            when(run.slot),
            task_state(user, run.task) if run.task else "its task is gone",
            when(run.task.started_at) if run.task else "",
            when(run.task.completed_at) if run.task else "",
            run.task.progress_message or run.task.error_message[:120] if run.task else "",
        )
        for run in runs
    ]
    headers = ["Slot", "Task", "Started", "Ended", "Message"]
    return Table(title="Recent runs", headers=headers, rows=rows, empty="No slot has started yet.")


def facts_panel(user: Any, row: Schedule) -> Facts:
    return Facts(
        title=row.name,
        side=True,
        tone=WARN if row.paused_at else "",
        rows=[
            ("Rhythm (UTC)", row.rhythm),
            ("Last slot", when(row.last_slot)),
            ("Next slot", next_slot(row)),
            ("If missed", MISSED[Missed(row.missed)]),
            ("Declared", "" if row.declared else "no longer in the code"),
            *pause_rows(user, row),
        ],
    )
