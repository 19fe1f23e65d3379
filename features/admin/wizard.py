"""Start a backfill in two presses: the first shows what it would take, the second starts exactly that."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from base.admin import Done, ReasonForm, page_of
from base.panels import Panel, Table, lasting
from features import services
from features.backfill import control
from features.backfill.models import Scope
from features.definitions import feature_sets
from features.values import extraction

COUNTED = {"exact": "", "at_least": "at least ", "at_most": "at most ", "planner": "about "}
MEASURED = {"chunks": "backfills that ran", "sample": "a sample, rolled back", "nothing": ""}


class WizardForm(ReasonForm):
    """Sent once it shows the estimate; sent again unchanged it starts."""

    field_order = ["entity_type", "scope", "as_of", "feature_sets", "batch_size", "rate", "workers", "reason"]
    entity_type = forms.ChoiceField(widget=UnfoldAdminSelectWidget())
    scope = forms.ChoiceField(choices=Scope.choices, widget=UnfoldAdminSelectWidget())
    as_of = forms.DateTimeField(
        required=False, widget=UnfoldAdminTextInputWidget(), help_text="Only with a past time; UTC: 2026-01-31 00:00."
    )
    feature_sets = forms.MultipleChoiceField(
        required=False, widget=UnfoldAdminCheckboxSelectMultipleWidget(), help_text="None ticked: all of them."
    )
    batch_size = forms.IntegerField(
        min_value=1, max_value=5_000, initial=500, widget=UnfoldAdminIntegerFieldWidget(),
        help_text="Entities in one transaction, 1–5,000.",
    )  # fmt: skip
    rate = forms.IntegerField(
        min_value=1, max_value=1_000_000, required=False, widget=UnfoldAdminIntegerFieldWidget(),
        help_text="Entities a second at most, of all workers together; empty for no limit.",
    )  # fmt: skip
    workers = forms.IntegerField(
        min_value=1, max_value=32, initial=1, widget=UnfoldAdminIntegerFieldWidget(),
        help_text="Tasks at once, 1–32, as far as there are free workers.",
    )  # fmt: skip
    seen = forms.CharField(required=False, widget=forms.HiddenInput())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices: dict[str, Any] = {
            "entity_type": [(name, name) for name in extraction.entity_types()],
            "feature_sets": [(each.label(), f"{each.label()} of {each.entity.name}") for each in feature_sets()],
        }
        for name, offered in choices.items():
            self.fields[name].choices = offered  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if self.errors:
            return data
        try:
            control.checked(data["entity_type"], data["scope"], data["as_of"], data["feature_sets"])
        except control.InvalidBackfill as error:
            self.add_error(error.field, str(error))
            return data
        choices = json.dumps({name: data[name] for name in self.field_order if name != "reason"}, default=str)
        if data.pop("seen") != choices:
            self.add_error(None, "Press again to start it.")
        self.data = {**self.data.dict(), "feature_sets": data["feature_sets"], "seen": choices}  # type: ignore[attr-defined]
        return data

    def settled(self) -> bool:
        """Whether there is nothing wrong with it but that the estimate has not been seen."""
        return self.is_bound and not set(self.errors) - {"__all__"}


def start(row: None, data: dict[str, Any]) -> Done:
    backfill, is_new = services.request_backfill(**data)
    return Done(
        "The backfill was started." if is_new else "A live backfill is the same; this is it.", page_of(backfill)
    )


def preview(form: WizardForm) -> list[Panel]:
    """What it would take, once everything is chosen."""
    if not form.settled():
        return []
    asked = {name: form.cleaned_data[name] for name in form.field_order if name != "reason"}
    title = "What it would take. Press Start a backfill again to start it, or change what you asked for."
    return [estimate_panel(title, services.estimate_backfill(**asked))]


def estimate_panel(title: str, rows: list[dict[str, Any]]) -> Table:
    shown = [
        (
            row["entity_type"],
            f"{COUNTED[row['counted']]}{row['entities']:,}",
            f"{row['source_events']:,}",
            f"{row['transactions']:,}",
            seconds(row["seconds"]),
            seconds(row["database_s"]),
            "" if row["database_share"] is None else f"{100 * row['database_share']:.0f} %",
            MEASURED[row["measured"]],
        )
        for row in rows
    ]
    headers = ["Entity", "Entities", "Source events", "Transactions", "Takes", "In PostgreSQL", "Of one processor",
               "By the speed of"]  # fmt: skip
    return Table(title=title, headers=headers, rows=shown)


def seconds(number: float | None) -> str:
    return "nobody knows" if number is None else lasting(timedelta(seconds=number))
