"""Raw events and whether they were counted."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest
from unfold.decorators import display

from base.admin import ReadOnlyAdmin, moment_column
from base.links import entity_link
from base.panels import BAD, GOOD, WARN, Facts, Panel, Text, badge, pretty, when
from features.definitions import entities, event_types
from features.models import FailedEntity, RawEvent, StaleEntity


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
            "done": Q(waits_since=None),
            "waits": Q(waits_since__isnull=False),
            "error": Q(waits_since__isnull=False, failure__isnull=False),
        }
        return queryset.filter(conditions.get(self.value() or "", Q()))


def with_processing(events: QuerySet[RawEvent]) -> QuerySet[RawEvent]:
    """Adds `waits_since` to events that a mark of their entity may stand for, and `failure`, the entity's error."""
    same = {"entity_type": OuterRef("entity_type"), "entity_id": OuterRef("entity_id")}
    marks = StaleEntity.objects.filter(**same, from_event_id__lte=OuterRef("pk")).order_by("since")
    failures = FailedEntity.objects.filter(**same)
    return events.annotate(
        waits_since=Subquery(marks.values("since")[:1]), failure=Subquery(failures.values("error")[:1])
    )


@admin.register(RawEvent)
class RawEventAdmin(ReadOnlyAdmin):
    icon = "stream"
    list_display = ["event_type", "processed", "entity", "number", moment_column("event_time", "Happened"),
                    moment_column("recorded_at", "Recorded"), "source", "error"]  # fmt: skip
    list_filter = [ProcessedFilter, EventTypeFilter]
    search_fields = ["entity_id", "source_id"]
    search_help_text = "Exact entity id or source id"

    def get_queryset(self, request: HttpRequest) -> QuerySet[RawEvent]:
        return with_processing(super().get_queryset(request))

    @display(description="Entity")
    def entity(self, row: RawEvent) -> str:
        return f"{row.entity_type}:{row.entity_id}"

    @display(description="Value")
    def number(self, row: RawEvent) -> str:
        return "" if row.value is None else f"{row.value.normalize():f}"

    @display(description="Processing")
    def processed(self, row: Any) -> str:
        if row.waits_since is None:
            return badge("counted", GOOD)
        return badge("error", BAD) if row.failure else badge("waits", WARN)

    @display(description="Error")
    def error(self, row: Any) -> str:
        return (row.failure or "")[:120] if row.waits_since else ""

    def find(self, term: str) -> Q:
        return self.first_of(Q(entity_type__in=list(entities()), entity_id=term), Q(source_id=term))

    def panels(self, request: HttpRequest, row: Any) -> list[Panel]:
        rows = [
            ("Entity", entity_link(request.user, row.entity_type, row.entity_id)),
            ("Happened", when(row.event_time)),
            ("Recorded", when(row.recorded_at)),
            ("Value", self.number(row)),
            ("Source", row.source),
            ("Source id", row.source_id),
            ("Processing", self.processed(row)),
        ]
        panels: list[Panel] = [Text(title="Payload", text=pretty(row.payload))]
        if row.waits_since:
            rows.append(("Waits since", when(row.waits_since)))
            if failed := FailedEntity.objects.filter(entity_type=row.entity_type, entity_id=row.entity_id).first():
                rows += [("Tries", failed.tries), ("Next try", when(failed.retry_at))]
                panels.insert(0, Text(title="Error", text=failed.error, tone=BAD))
        return [*panels, Facts(title=row.event_type, rows=rows, side=True)]
