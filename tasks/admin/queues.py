"""Queues and task names: what waits and runs, and to pause or limit it for every worker at once."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from audit.panels import trail_panel
from base.admin import BoardAdmin, Button, Done, ReasonRequiredForm, page_of
from base.links import list_url
from base.panels import WARN, Facts, Panel, Table, anchor, badge, lasting, nowrap
from tasks import backlog, controls
from tasks.admin.pauses import pause_rows, paused
from tasks.backlog import Backlog
from tasks.definitions import declared_limits, registered
from tasks.models import Control, Task
from tasks.panels import about, work_panel

QUEUE = Control.Kind.QUEUE


class LimitForm(ReasonRequiredForm):
    field_order = ["max_running", "reason"]
    max_running = forms.IntegerField(
        required=False, min_value=1, max_value=32_767, label="At most", widget=UnfoldAdminIntegerFieldWidget(),
        help_text="How many may run at once, on all workers together. Empty: no limit beside the declared one.",
    )  # fmt: skip


def pause(row: Control, data: dict[str, Any]) -> Done:
    controls.pause(kind=row.kind, name=row.name, reason=data["reason"])
    return Done("Nothing of it starts any more; what runs goes on.")


def resume(row: Control, data: dict[str, Any]) -> Done:
    controls.resume(kind=row.kind, name=row.name, reason=data["reason"])
    return Done("It goes on.")


def limit(row: Control, data: dict[str, Any]) -> Done:
    most = data["max_running"]
    controls.limit(kind=row.kind, name=row.name, max_running=most, reason=data["reason"])
    return Done(f"At most {most:,} of it run at once." if most else "It has no limit beside the declared one.")


BUTTONS = [
    Button(
        name="pause",
        title="Pause",
        icon="pause",
        permission="tasks.pause_work",
        question="Nothing of it starts any more, on any worker, until it is resumed. What runs goes on.",
        press=pause,
        refusals=(controls.Unknown,),
        offered=lambda row: row.paused_at is None,
        form=ReasonRequiredForm,
        danger=True,
    ),
    Button(
        name="resume",
        title="Resume",
        icon="play_arrow",
        permission="tasks.pause_work",
        question="What waits starts again at once.",
        press=resume,
        refusals=(controls.Unknown,),
        offered=lambda row: row.paused_at is not None,
    ),
    Button(
        name="limit",
        title="Limit",
        icon="speed",
        permission="tasks.pause_work",
        question="Counted over all workers. What already runs goes on, even above a new limit.",
        press=limit,
        refusals=(controls.Unknown,),
        form=LimitForm,
    ),
]


@admin.register(Control)
class ControlAdmin(BoardAdmin):
    icon, buttons = "speed", BUTTONS

    def board(self, request: HttpRequest) -> list[Panel]:
        controls.declare()
        rows = list(Control.objects.select_related("paused_by"))
        live = backlog.live()
        order = {name: number for number, name in enumerate(settings.QUEUES)}
        queues = sorted((row for row in rows if row.kind == QUEUE), key=lambda row: order.get(row.name, len(order)))
        return [
            board_table("Queues", queues, backlog.by_queue(live)),
            board_table("Task names", [row for row in rows if row.kind != QUEUE], backlog.by_name(live)),
        ]

    def panels(self, request: HttpRequest, row: Control) -> list[Panel]:
        live = backlog.live()
        found = (backlog.by_queue(live) if row.kind == QUEUE else backlog.by_name(live)).get(row.name, Backlog())
        tasks = Task.objects.filter(**{"queue_name" if row.kind == QUEUE else "name": row.name})
        word = "queue" if row.kind == QUEUE else "task_name"
        panels: list[Panel] = [now_panel(request.user, row, found)]
        panels += work_panel(request.user, tasks, title="Newest tasks") if row.kind != QUEUE else []
        return [*panels, *trail_panel(request.user, word, row.name), facts_panel(row)]


def board_table(title: str, rows: list[Control], found: dict[str, Backlog]) -> Table:
    headers = [title.rstrip("s"), "Waiting", "Running", "Oldest waits", "Limit declared", "Limit set", "Paused"]
    return Table(title=title, headers=headers, rows=[board_row(row, found.get(row.name, Backlog())) for row in rows])


def board_row(row: Control, found: Backlog) -> tuple:
    name = anchor(page_of(row), row.name)
    return (
        name if is_known(row) else format_html("{} {}", name, badge("not in code")),
        anchor(tasks_url(row, "pending"), found.shown()) if found.waiting else "0",
        anchor(tasks_url(row, "processing"), f"{found.running:,}") if found.running else "0",
        nowrap(lasting(found.oldest)),
        declared_limits().get(row.name, "") if row.kind != QUEUE else "",
        row.max_running or "",
        paused(row),
    )


def tasks_url(row: Control, state: str) -> str:
    return list_url(Task, f"?{'queue' if row.kind == QUEUE else 'name'}={row.name}&state={state}")


def is_known(row: Control) -> bool:
    return row.kind == QUEUE or registered(row.name) is not None


def now_panel(user: Any, row: Control, found: Backlog) -> Facts:
    return Facts(
        title="Now",
        tone=WARN if row.paused_at else "",
        rows=[
            ("Waiting, due", anchor(tasks_url(row, "pending"), found.shown())),
            ("Oldest waits", lasting(found.oldest)),
            ("Running", anchor(tasks_url(row, "processing"), f"{found.running:,}")),
            ("Limit declared", declared_limits().get(row.name) if row.kind != QUEUE else None),
            ("Limit set", row.max_running or "none"),
            *pause_rows(user, row),
        ],
    )


def facts_panel(row: Control) -> Facts:
    definition = registered(row.name) if row.kind != QUEUE else None
    rows: list[tuple[str, Any]] = [("Kind", "queue" if row.kind == QUEUE else "task name")]
    if row.kind != QUEUE:
        rows.append(("What it does", about(row.name)))
    if definition:
        rows += [
            ("Queue", f"{definition.queue_name}, priority {definition.priority}"),
            ("Attempts", f"at most {definition.max_attempts}"),
            ("Timeout", f"{definition.timeout_s:,} s"),
        ]
    return Facts(title=row.name, side=True, rows=rows)
