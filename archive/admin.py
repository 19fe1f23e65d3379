"""Exports of the trail in the console, and the button on its list that asks for one of what is searched."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from archive import services
from archive.models import Export, Format
from audit import admin as audit
from audit.models import Entry
from audit.panels import trail_panel
from audit.search import EXAMPLE, typed
from base.admin import Button, Done, ReadOnlyAdmin, ReasonRequiredForm, moment_column, page_of
from base.links import actor_link, actor_names, row_link
from base.panels import BAD, BUSY, GOOD, IDLE, Facts, Panel, Text, anchor, badge, code, meter, pretty, some, when
from tasks.models import Task

TONES = {"completed": GOOD, "processing": BUSY, "failed": BAD}
COUNTED = 10_000


class ExportForm(ReasonRequiredForm):
    field_order = ["words", "format", "reason"]
    words = forms.CharField(
        required=False, max_length=500, widget=UnfoldAdminTextInputWidget(),
        help_text=f"As in the search of the trail: {EXAMPLE}. Empty: the whole trail.",
    )  # fmt: skip
    format = forms.ChoiceField(
        choices=Format.choices, widget=UnfoldAdminSelectWidget(),
        help_text="CSV for spreadsheets; NDJSON holds what is needed to verify each entry's seal.",
    )  # fmt: skip

    def clean_words(self) -> str:
        words: str = self.cleaned_data["words"]
        typed(words)
        return words


def press(row: None, data: dict[str, Any]) -> Done:
    filters = {"q": data["words"]} if data["words"] else {}
    made = services.request_export(filters=filters, format=data["format"], reason=data["reason"])
    return Done("The export is being built.", page_of(made))


def preview(form: forms.Form) -> list[Panel]:
    words = form.data.get("words", "") if form.is_bound else form.initial.get("words", "")
    if "\x00" in words:
        return []
    try:
        found = Entry.objects.filter(typed(words)).order_by()[: COUNTED + 1].count()
    except ValidationError:
        return []
    return [Facts(title="What is exported", rows=[("Search", code(words) if words else "the whole trail"),
                                                  ("Entries", some(found, COUNTED))])]  # fmt: skip


ASK = Button(
    name="export",
    title="Export",
    icon="download",
    permission="archive.ask_export",
    question="Export these entries to a file?",
    press=press,
    preview=preview,
    form=ExportForm,
    on_row=False,
)

admin.site.unregister(Entry)  # audit's page with a button more, of which audit knows nothing


@admin.register(Entry)
class EntryAdmin(audit.EntryAdmin):
    buttons = [ASK]

    def list_buttons(self, request: HttpRequest) -> list[dict[str, Any]]:
        query = urlencode({"words": request.GET.get("q", "")})
        return [{**shown, "url": f"{shown['url']}?{query}"} for shown in super().list_buttons(request)]


@admin.register(Export)
class ExportAdmin(ReadOnlyAdmin):
    icon, entity_type = "download", "audit_export"
    list_display = ["id", "state", "format", "search", "rows", moment_column("created_at", "Asked for"),
                    moment_column("expires_at", "Kept until")]  # fmt: skip
    search_fields = ["id", "sha256"]
    search_help_text = "Exact id or hash"

    @display(description="State")
    def state(self, row: Export) -> str:
        task = services.tasks_of([row]).get(row.task_id)
        state = services.state_of(row, task)
        return (
            meter(task.progress, tone=BUSY) if task and state == "processing" else badge(state, TONES.get(state, IDLE))
        )

    @display(description="Search")
    def search(self, row: Export) -> str:
        words = [value if name == "q" else f"{name}:{value}" for name, value in row.filters.items()]
        return " ".join(words) or "the whole trail"

    def panels(self, request: HttpRequest, row: Export) -> list[Panel]:
        user, done = request.user, row.finished_at is not None
        who = f"user:{row.requested_by_id}"
        task = services.tasks_of([row]).get(row.task_id)
        file = anchor(f"/api/v1/audit/exports/{row.pk}/download", f"audit-{row.pk}.{row.format}")
        facts = Facts(
            title="Export",
            side=True,
            rows=[
                ("State", self.state(row)),
                ("Task", row_link(user, Task, row.task_id)),
                ("How far", "" if task is None or done else task.error_message or task.progress_message),
                ("File", file if done else ""),
                ("Entries", "" if row.rows is None else f"{row.rows:,}"),
                ("Size", "" if row.bytes is None else f"{row.bytes:,} bytes"),
                ("SHA-256", code(row.sha256) if row.sha256 else ""),
                ("Asked for", when(row.created_at)),
                ("By", actor_link(user, who, actor_names([who]).get(who, "")) if row.requested_by_id else ""),
                ("Reason", row.reason),
                ("Kept until", when(row.expires_at)),
            ],
        )
        manifest = Text(title="Manifest", text=pretty(row.manifest) if row.manifest else "Not built yet.")
        return [manifest, *trail_panel(user, "audit_export", row.pk), facts]
