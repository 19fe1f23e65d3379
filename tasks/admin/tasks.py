"""The list of tasks and each task's page: retry, cancel and discard, one, some or all that match."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from unfold.decorators import display

from base.admin import Button, Done, ReadOnlyAdmin, ReasonRequiredForm, moment_column, page_of
from base.panels import Panel, badge, lasting, meter
from tasks import dashboard, services
from tasks.admin import matching
from tasks.admin.filters import FILTERS, state_tabs
from tasks.admin.letters import letter_panels
from tasks.models import Status, Task
from tasks.panels import TONES, live_panel, seen, task_panels


def retry(task: Task, data: dict[str, Any]) -> Done:
    new = services.retry_task(task_id=task.pk, reason=data["reason"])
    return Done(f"{task.name} was started again as a new task.", page_of(new))


def cancel(task: Task, data: dict[str, Any]) -> Done:
    now = services.cancel_task(task_id=task.pk, reason=data["reason"])
    ended = now.status == Status.CANCELLED
    return Done("The task is cancelled." if ended else "The task was asked to stop; its worker stops it in a moment.")


def discard(task: Task, data: dict[str, Any]) -> Done:
    services.discard_task(task_id=task.pk, reason=data["reason"])
    return Done("The task was taken off the list of failures; its row stays.")


BUTTONS = [
    Button(
        name="retry",
        title="Retry",
        icon="replay",
        permission="tasks.retry_task",
        question="A new task starts with the same arguments; this one stays as it ended.",
        press=retry,
        form=ReasonRequiredForm,
        refusals=(services.WrongState,),
        offered=lambda task: task.status in (Status.FAILED, Status.CANCELLED) and not hasattr(task, "retried_by"),
        many=True,
    ),
    Button(
        name="cancel",
        title="Cancel",
        icon="cancel",
        permission="tasks.cancel_task",
        question="A waiting task is cancelled at once; a running one is asked to stop, and what it did is rolled back "
        "up to its last finished step.",
        press=cancel,
        form=ReasonRequiredForm,
        refusals=(services.WrongState,),
        offered=lambda task: task.is_live,
        many=True,
        danger=True,
    ),
    Button(
        name="discard",
        title="Discard",
        icon="delete_sweep",
        permission="tasks.discard_task",
        question="The task leaves the list of failures for good; its row and its error stay.",
        press=discard,
        form=ReasonRequiredForm,
        refusals=(services.WrongState,),
        offered=lambda task: task.status == Status.FAILED and task.discarded_at is None,
        many=True,
        danger=True,
    ),
]


@admin.register(Task)
class TaskAdmin(ReadOnlyAdmin):
    icon, entity_type, buttons = "bolt", "task", [*BUTTONS, *matching.BUTTONS]
    list_per_page = 25  # rows are what the page costs
    more = [("Dead letters", "report", "tasks_task_letters")]
    list_display = [
        "task",
        "state",
        "done",
        "queue_name",
        "tries",
        moment_column("created_at", "Created"),
        "took",
        "subject",
    ]
    list_filter = [*FILTERS.values(), "created_at"]
    search_fields = ["id", "subject_id", "name", "correlation_id"]  # the last has no index
    search_help_text = "Id, subject id, correlation id or exact name"

    @display(description="Task", header=True)
    def task(self, row: Task) -> list[str]:
        return [row.name, str(row.pk)]

    @display(description="State")
    def state(self, row: Task) -> str:
        return badge(row.status, TONES[Status(row.status)])

    @display(description="Subject")
    def subject(self, row: Task) -> str:
        return f"{row.subject_type}:{row.subject_id}" if row.subject_type else ""

    @display(description="Progress")
    def done(self, row: Task) -> str:
        return meter(row.progress, tone=TONES[Status(row.status)])

    @display(description="Attempts")
    def tries(self, row: Task) -> str:
        return f"{row.attempt} of {row.max_attempts}"

    @display(description="Took")
    def took(self, row: Task) -> str:
        return lasting(row.completed_at - row.started_at) if row.completed_at and row.started_at else ""

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        tabs = state_tabs(request) if self.has_view_permission(request) else []
        return super().changelist_view(request, {"tabs": tabs, **(extra_context or {})})

    def get_queryset(self, request: HttpRequest) -> QuerySet[Task]:
        return super().get_queryset(request).defer("kwargs", "result", "error_traceback", "error_message")

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Task | None:
        row = super().get_object(request, object_id, from_field)
        related = ["requested_by", "retry_of", "retried_by"]
        return row and Task.objects.select_related(*related).get(pk=row.pk)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<uuid:object_id>/live/", view(self.live_view), name="tasks_task_live"),
            path("letters/", view(self.letters_view), name="tasks_task_letters"),
            path("now/<slug:name>/", view(self.now_view), name="tasks_task_now"),
            *super().get_urls(),
        ]

    def live_view(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """The progress piece of a page; reloads the whole page when there is more to tell."""
        row = self._row(request, str(object_id))
        if row is None:
            return HttpResponse(status=404)
        panel = live_panel(row)
        headers = {"HX-Refresh": "true"} if request.GET.get("seen") != seen(row) else {}
        return TemplateResponse(request, panel.template, {"panel": panel}, headers=headers)

    def letters_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = self._context(request, None) | {"title": "Dead letters", "panels": letter_panels(request.user)}
        return TemplateResponse(request, "console/row.html", context)

    def now_view(self, request: HttpRequest, name: str) -> HttpResponse:
        """One of the dashboard's pieces that fetch themselves again."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        make = dashboard.NOW.get(name)
        if make is None:
            return HttpResponse(status=404)
        panel = make(request.user)
        return TemplateResponse(request, panel.template, {"panel": panel})

    def list_buttons(self, request: HttpRequest) -> list[dict[str, Any]]:
        fitting = matching.offered(request)
        return [
            shown | {"url": f"{shown['url']}?{fitting[shown['button'].name]}"}
            for shown in super().list_buttons(request)
            if shown["button"].name in fitting
        ]

    def panels(self, request: HttpRequest, row: Task) -> list[Panel]:
        return task_panels(request.user, row)
