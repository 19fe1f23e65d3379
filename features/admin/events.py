"""Raw events and whether they were counted."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from unfold.decorators import display

from base.admin import ReadOnlyAdmin, moment_column
from base.links import entity_link
from base.panels import BAD, GOOD, WARN, Facts, Panel, Text, badge, pretty, when
from features.definitions import entities, event_types
from features.models import RawEvent


class EventTypeFilter(admin.SimpleListFilter):
    title, parameter_name = "type", "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [(name, name) for name in sorted(event_types())]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(event_type=self.value()) if self.value() else queryset


class ProcessedFilter(admin.SimpleListFilter):
    title, parameter_name = "processing", "processing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [("done", "Counted"), ("waits", "Not counted yet"), ("error", "With an error")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        conditions = {
            "done": Q(unprocessed=None),
            "waits": Q(unprocessed__isnull=False),
            "error": Q(unprocessed__error__gt=""),
        }
        return queryset.filter(conditions.get(self.value() or "", Q()))


@admin.register(RawEvent)
class RawEventAdmin(ReadOnlyAdmin):
    icon = "stream"
    list_display = ["event_type", "processed", "entity", "number", moment_column("event_time", "Happened"),
                    moment_column("recorded_at", "Recorded"), "source", "error"]  # fmt: skip
    list_filter = [ProcessedFilter, EventTypeFilter]
    list_select_related = ["unprocessed"]
    search_fields = ["entity_id", "source_id"]
    search_help_text = "Exact entity id or source id"

    @display(description="Entity")
    def entity(self, row: RawEvent) -> str:
        return f"{row.entity_type}:{row.entity_id}"

    @display(description="Value")
    def number(self, row: RawEvent) -> str:
        return "" if row.value is None else f"{row.value.normalize():f}"

    @display(description="Processing")
    def processed(self, row: RawEvent) -> str:
        waiting = getattr(row, "unprocessed", None)
        if waiting is None:
            return badge("counted", GOOD)
        return badge("error", BAD) if waiting.error else badge("waits", WARN)

    @display(description="Error")
    def error(self, row: RawEvent) -> str:
        waiting = getattr(row, "unprocessed", None)
        return waiting.error[:120] if waiting else ""

    def find(self, term: str) -> Q:
        return self.first_of(Q(entity_type__in=list(entities()), entity_id=term), Q(source_id=term))

    def panels(self, request: HttpRequest, row: RawEvent) -> list[Panel]:
        waiting = getattr(row, "unprocessed", None)
        rows = [
            ("Entity", entity_link(request.user, row.entity_type, row.entity_id)),
            ("Happened", when(row.event_time)),
            ("Recorded", when(row.recorded_at)),
            ("Value", self.number(row)),
            ("Source", row.source),
            ("Source id", row.source_id),
            ("Processing", self.processed(row)),
        ]
        if waiting:
            rows += [("Waits since", when(waiting.since)), ("Tries", waiting.tries)]
            rows += [("Next try", when(waiting.retry_at))]
        panels: list[Panel] = [
            Text(title="Payload", text=pretty(row.payload)),
            Facts(title=row.event_type, rows=rows, side=True),
        ]
        return [Text(title="Error", text=waiting.error, tone=BAD), *panels] if waiting and waiting.error else panels
