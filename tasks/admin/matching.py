"""Retry, discard or cancel every task that a filter finds: asked for here, done by a background task."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import HttpRequest
from django.urls import reverse

from base.admin import Button, Done, ReasonRequiredForm
from base.panels import Facts, Panel, some
from tasks.admin.filters import in_state
from tasks.models import Status, Task

COUNT_TO = 1_000
# The states whose tasks an action is for; a filter must name one of them.
STATES: dict[str, tuple[Status, ...]] = {
    "retry": (Status.FAILED, Status.CANCELLED),
    "discard": (Status.FAILED,),
    "cancel": (Status.PENDING, Status.PROCESSING),
}
# The list's parameters, and what the bulk service calls them.
COLUMNS = {"state": "status", "queue": "queue", "name": "name", "error": "error_type"}
FIELDS = {"queue": "queue_name", "name": "name", "error": "error_type"}


class MatchingForm(ReasonRequiredForm):
    """The filter travels with the question, so that what is confirmed is what was seen."""

    state = forms.ChoiceField(choices=Status.choices, widget=forms.HiddenInput())
    queue = forms.CharField(required=False, max_length=40, widget=forms.HiddenInput())
    name = forms.CharField(required=False, max_length=120, widget=forms.HiddenInput())
    error = forms.CharField(required=False, max_length=200, widget=forms.HiddenInput())

    def filters(self) -> dict[str, str]:
        """What it says, by the list's parameters; also before it is sent."""
        return {key: str(value) for key in COLUMNS if (value := self[key].value())}


def preview(form: Any) -> list[Panel]:
    """The filter in words, and how many tasks it finds now."""
    filters: dict[str, str] = form.filters()
    rows = Task.objects.order_by()
    for key, value in filters.items():
        rows = in_state(rows, value) if key == "state" else rows.filter(**{FIELDS[key]: value})
    found = len(rows.values_list("pk")[: COUNT_TO + 1])
    facts = [("Tasks", some(found, COUNT_TO)), *((key.capitalize(), value) for key, value in filters.items())]
    return [Facts(title="What it will do this to", rows=facts)]


def press(action: str) -> Callable[[None, dict[str, Any]], Done]:
    def ask(row: None, data: dict[str, Any]) -> Done:
        from tasks import bulk

        conditions = {column: data[key] for key, column in COLUMNS.items() if data[key]}
        conditions["status"] = [data["state"]]
        result = bulk.ask(action=action, conditions=conditions, reason=data["reason"])
        return Done("It is done in the background, by this task.", reverse("admin:tasks_task_change", args=[result.id]))

    return ask


def button(action: str, icon: str, question: str) -> Button:
    return Button(
        name=f"{action}_matching",
        title=f"{action.capitalize()} all matching",
        icon=icon,
        permission=f"tasks.{action}_task",
        question=question,
        press=press(action),
        preview=preview,
        form=MatchingForm,
        offered=lambda row: row is None,
        on_row=False,
        danger=action != "retry",
    )


BUTTONS = [
    button("retry", "replay", "A new task starts for each of them, with the same arguments; they stay as they ended."),
    button("cancel", "cancel", "Those that wait are cancelled; those that run are asked to stop."),
    button("discard", "delete_sweep", "They leave the list of failures for good; their rows and errors stay."),
]


def offered(request: HttpRequest) -> dict[str, str]:
    """Actions that fit the list's filter → the filter as a query. None when the list shows less than it would do."""
    given = {key: value for key, value in request.GET.items() if value and key != "p"}
    if not given.keys() <= COLUMNS.keys() or given.get("state") not in Status.values:
        return {}
    return {f"{action}_matching": urlencode(given) for action, states in STATES.items() if given["state"] in states}


def question_url(action: str, filters: Mapping[str, str]) -> str:
    return reverse(f"admin:tasks_task_{action}_matching") + "?" + urlencode(filters)
