"""Backfills: how far each is, its chunks and its tasks, and buttons to start, pause, resume and cancel."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from unfold.decorators import display

from base.admin import Button, Done, ReadOnlyAdmin, ReasonRequiredForm, moment_column
from base.links import row_link
from base.panels import BAD, BUSY, GOOD, IDLE, WARN, Facts, Live, Panel, Table, badge, code, lasting, meter, when
from features import services
from features.admin.wizard import WizardForm, estimate_panel, preview, start
from features.backfill import control
from features.backfill.control import tasks_of
from features.backfill.models import Backfill, BackfillChunk, State
from tasks.panels import work_panel

TONES = {
    State.PLANNED: IDLE,
    State.RUNNING: BUSY,
    State.PAUSED: WARN,
    State.COMPLETED: GOOD,
    State.CANCELLED: WARN,
    State.FAILED: BAD,
}
CHUNK_TONES = {"waiting": IDLE, "running": BUSY, "done": GOOD, "failed": BAD}
CHUNKS_SHOWN = 50


def pause(row: Backfill, data: dict[str, Any]) -> Done:
    services.pause_backfill(backfill_id=row.pk, reason=data["reason"])
    return Done("It stores nothing more until it is resumed.")


def resume(row: Backfill, data: dict[str, Any]) -> Done:
    services.resume_backfill(backfill_id=row.pk, reason=data["reason"])
    return Done("It goes on where it was.")


def cancel(row: Backfill, data: dict[str, Any]) -> Done:
    services.cancel_backfill(backfill_id=row.pk, reason=data["reason"])
    return Done("It stores nothing more; what is stored stays.")


PERMISSION = "features.backfill_featureset"
BUTTONS = [
    Button(
        name="start",
        title="Start a backfill",
        icon="layers",
        permission=PERMISSION,
        question="First this page tells what it would take; nothing starts before you have seen it.",
        press=start,
        refusals=(control.OtherBackfill,),
        preview=preview,  # type: ignore[arg-type]
        form=WizardForm,
        on_row=False,
    ),
    Button(
        name="pause",
        title="Pause",
        icon="pause",
        permission=PERMISSION,
        question="No further batch is stored until it is resumed; the one under way is undone.",
        press=pause,
        form=ReasonRequiredForm,
        refusals=(control.WrongState,),
        offered=lambda row: row.state in (State.PLANNED, State.RUNNING),
    ),
    Button(
        name="resume",
        title="Resume",
        icon="play_arrow",
        permission=PERMISSION,
        question="It goes on where it was paused.",
        press=resume,
        form=ReasonRequiredForm,
        refusals=(control.WrongState,),
        offered=lambda row: row.state == State.PAUSED,
    ),
    Button(
        name="cancel",
        title="Cancel",
        icon="cancel",
        permission=PERMISSION,
        question="It ends for good. What it stored stays; another backfill does the rest.",
        press=cancel,
        form=ReasonRequiredForm,
        refusals=(control.WrongState,),
        offered=lambda row: row.is_live,
        danger=True,
    ),
]


@admin.register(Backfill)
class BackfillAdmin(ReadOnlyAdmin):
    icon, entity_type, buttons = "layers", "backfill", BUTTONS
    list_display = ["entity", "scope", "status", "progress", "done", "failed", "speed",
                    moment_column("created_at", "Asked for"), "asked_by"]  # fmt: skip
    list_filter = ["state", "scope"]
    list_select_related = ["asked_by"]
    search_fields = ["id", "entity_type"]
    search_help_text = "Id or entity type"

    @display(description="Entity")
    def entity(self, row: Backfill) -> str:
        return row.entity_type or "every entity type"

    @display(description="State")
    def status(self, row: Backfill) -> str:
        return badge(row.state, TONES[State(row.state)])

    @display(description="Progress")
    def progress(self, row: Backfill) -> str:
        return meter(row.percent, tone=TONES[State(row.state)])

    @display(description="Entities/s")
    def speed(self, row: Backfill) -> str:
        return f"{row.per_second:,.0f}"

    def get_urls(self) -> list[URLPattern]:
        live = self.admin_site.admin_view(self.live_view)
        return [path("<uuid:object_id>/live/", live, name="features_backfill_live"), *super().get_urls()]

    def live_view(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """The progress piece of a page; reloads the whole page when the state is another one."""
        row = self._row(request, str(object_id))
        if row is None:
            return HttpResponse(status=404)
        panel = live_panel(row)
        headers = {"HX-Refresh": "true"} if request.GET.get("seen") != row.state else {}
        return TemplateResponse(request, panel.template, {"panel": panel}, headers=headers)

    def panels(self, request: HttpRequest, row: Backfill) -> list[Panel]:
        panels: list[Panel] = [live_panel(row)]
        if row.estimate:
            panels.append(estimate_panel("Estimated before it began", row.estimate))
        return [*panels, chunks_panel(row), *work_panel(request.user, tasks_of(row)), facts_panel(request.user, row)]


def live_panel(row: Backfill) -> Live:
    states = ", ".join(f"{number:,} {state}" for state, number in row.chunk_states().items())
    figures = [
        ("Entities", f"{row.done:,} of {row.expected:,}"),
        ("Failed", f"{row.failed:,}"),
        ("Speed", f"{row.per_second:,.1f} entities/s"),
        ("Left", lasting(row.left) if row.left is not None else ""),
        ("Chunks", states),
    ]
    return Live(
        title="Progress",
        url=reverse("admin:features_backfill_live", args=[row.pk]) + f"?seen={row.state}" if row.is_live else "",
        badge=badge(row.state, TONES[State(row.state)]),
        percent=row.percent,
        message=row.note,
        tone=TONES[State(row.state)],
        rows=[(name, value) for name, value in figures if value],
    )


def chunks_panel(row: Backfill) -> Table:
    """Those that tell most first: failed, running, done, and last what waits."""
    order = {"failed": 0, "running": 1, "done": 2, "waiting": 3}
    newest = sorted(row.chunks.order_by("state", "-number")[: 20 * CHUNKS_SHOWN], key=lambda c: order[c.state])
    rows = [chunk_row(chunk) for chunk in newest[:CHUNKS_SHOWN]]
    headers = ["No.", "Entity", "State", "Up to", "Done", "Failed", "Entities/s", "Worker", "Error"]
    return Table(title="Chunks", headers=headers, rows=rows, empty="They are cut when the first worker starts.")


def chunk_row(chunk: BackfillChunk) -> tuple[Any, ...]:
    speed = f"{chunk.done / chunk.busy_s:,.0f}" if chunk.busy_s else ""
    state = badge(chunk.state, CHUNK_TONES[chunk.state])
    return (chunk.number, chunk.entity_type, state, code(chunk.until or "the end"), chunk.done, chunk.failed, speed,
            chunk.worker, chunk.error)  # fmt: skip


def facts_panel(user: Any, row: Backfill) -> Facts:
    return Facts(
        title=str(row),
        side=True,
        rows=[
            ("Scope", row.get_scope_display()),
            ("As of", when(row.as_of)),
            ("Feature sets", ", ".join(row.feature_sets) or "all"),
            ("Batch size", f"{row.batch_size:,}"),
            ("Batches", f"{row.batches:,} of at most {row.max_batches:,}"),
            ("Rate", f"at most {row.rate:,} entities/s" if row.rate else "no limit"),
            ("Workers", f"{row.workers} {'tasks' if row.detached else 'processes of a command'}"),
            ("Asked by", row.asked_by and row_link(user, type(row.asked_by), row.asked_by_id, row.asked_by)),
            ("Why", row.reason),
            ("Asked for", when(row.created_at)),
            ("Started", when(row.started_at)),
            ("Ended", when(row.finished_at)),
            ("Id", code(row.pk)),
        ],
    )
