"""What the list of tasks is narrowed by, and its tabs."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest

from base.panels import some
from tasks.definitions import registered_names
from tasks.models import Status, Task

COUNT_TO = 1_000  # tabs need an idea, not a count of millions


def in_state(tasks: Any, state: Any) -> Any:
    """Tasks of a tab; `failed` are the dead letters."""
    return tasks.dead_letters() if state == Status.FAILED else tasks.filter(status=state)


class StateFilter(admin.SimpleListFilter):
    title, parameter_name = "state", "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return Status.choices

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return in_state(queryset, value) if (value := self.value()) in Status.values else queryset


class QueueFilter(admin.SimpleListFilter):
    title, parameter_name = "queue", "queue"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [(name, name) for name in settings.QUEUES]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(queue_name=self.value()) if self.value() else queryset


class NameFilter(admin.SimpleListFilter):
    title, parameter_name = "name", "name"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [(name, name) for name in sorted(registered_names())]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(name=self.value()) if self.value() else queryset


class ErrorFilter(admin.SimpleListFilter):
    """Set by links only: nobody knows the types of all errors."""

    title, parameter_name = "error", "error"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [(self.value(), str(self.value()))] if self.value() else []

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(error_type=self.value()) if self.value() else queryset


FILTERS: dict[str, type[admin.SimpleListFilter]] = {
    one.parameter_name: one for one in (StateFilter, QueueFilter, NameFilter, ErrorFilter)
}


def state_tabs(request: HttpRequest) -> list[dict[str, Any]]:
    current = request.GET.get("state", "")
    tabs = [("", "All", "")]
    for state in Status:
        some_rows = in_state(Task.objects.all(), state).order_by().values("pk")[: COUNT_TO + 1]
        tabs.append((state.value, state.label, some(some_rows.count(), COUNT_TO)))
    query = request.GET.copy()
    query.pop("p", None)
    result = []
    for value, title, count in tabs:
        query["state"] = value
        result.append({"title": title, "count": count, "active": value == current, "link": f"?{query.urlencode()}"})
    return result
