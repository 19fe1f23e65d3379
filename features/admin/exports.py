"""What the offline store holds, and which files count."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Max, Q, Sum
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from unfold.decorators import display

from base.admin import ReadOnlyAdmin, moment_column
from base.links import row_link
from base.panels import GOOD, IDLE, Facts, Panel, Table, badge, code, when
from features.definitions import entities
from features.offline.models import Export, ExportedFile
from tasks.models import Task

FILES_SHOWN = 50


class CountsFilter(admin.SimpleListFilter):
    title, parameter_name = "state", "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [("counts", "Counts"), ("replaced", "Replaced")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        conditions = {"counts": Q(replaced_at=None), "replaced": Q(replaced_at__isnull=False)}
        return queryset.filter(conditions.get(self.value() or "", Q()))


@admin.register(Export)
class ExportAdmin(ReadOnlyAdmin):
    icon = "upload_file"
    list_display = ["ids", "number", moment_column("recorded_before", "All recorded before"),
                    moment_column("created_at", "Exported")]  # fmt: skip

    @display(description="Events with ids")
    def ids(self, row: Export) -> str:
        return f"{row.first_id:,} – {row.last_id:,}"

    @display(description="Events")
    def number(self, row: Export) -> str:
        return f"{row.rows:,}"

    def panels(self, request: HttpRequest, row: Export) -> list[Panel]:
        within = ExportedFile.objects.filter(first_id__lte=row.last_id, last_id__gte=row.first_id)
        found = [
            (row_link(request.user, ExportedFile, file.pk, file.path), f"{file.rows:,}", filesizeformat(file.bytes))
            for file in within.filter(replaced_at=None)[:FILES_SHOWN]
        ]
        return [
            Table(title=f"Files, {FILES_SHOWN} at most", headers=["File", "Events", "Size"], rows=found),
            store_panel(),
            Facts(
                title="This export",
                side=True,
                rows=[
                    ("Ids", self.ids(row)),
                    ("Events", f"{row.rows:,}"),
                    ("Exported", when(row.created_at)),
                    ("By", row.task_id and row_link(request.user, Task, row.task_id, "task")),
                ],
            ),
        ]


@admin.register(ExportedFile)
class ExportedFileAdmin(ReadOnlyAdmin):
    icon = "folder_zip"
    list_display = ["entity_type", "month", "state", "number", "size", "ids", moment_column("created_at", "Written")]
    list_filter = [CountsFilter]
    ordering = ["-id"]
    search_fields = ["path"]
    search_help_text = "Entity type, month such as 2026-06, or path"

    @display(description="State")
    def state(self, row: ExportedFile) -> str:
        return badge("counts", GOOD) if row.replaced_at is None else badge("replaced", IDLE)

    @display(description="Events")
    def number(self, row: ExportedFile) -> str:
        return f"{row.rows:,}"

    @display(description="Size")
    def size(self, row: ExportedFile) -> str:
        return filesizeformat(row.bytes)

    @display(description="From exports of ids")
    def ids(self, row: ExportedFile) -> str:
        return f"{row.first_id:,} – {row.last_id:,}"

    def find(self, term: str) -> Q:
        return self.first_of(Q(path=term), Q(entity_type__in=list(entities()), month=term), Q(entity_type=term))

    def panels(self, request: HttpRequest, row: ExportedFile) -> list[Panel]:
        return [
            Facts(
                title=row.path,
                rows=[
                    ("Entity type", row.entity_type),
                    ("Month of the events", row.month),
                    ("Events", f"{row.rows:,}"),
                    ("Size", filesizeformat(row.bytes)),
                    ("First event", when(row.min_event_time)),
                    ("Last event", when(row.max_event_time)),
                    ("First recorded", when(row.min_recorded_at)),
                    ("Last recorded", when(row.max_recorded_at)),
                    ("SHA-256", code(row.sha256)),
                ],
            ),
            Facts(
                title="Life",
                side=True,
                rows=[
                    ("State", self.state(row)),
                    ("From exports of ids", self.ids(row)),
                    ("Written", when(row.created_at)),
                    ("By", row.task_id and row_link(request.user, Task, row.task_id, "task")),
                    ("Replaced", when(row.replaced_at)),
                    ("May be removed", when(row.remove_at)),
                ],
            ),
        ]


def store_panel() -> Facts:
    """The whole store in a few figures."""
    totals = ExportedFile.objects.filter(replaced_at=None).aggregate(rows=Sum("rows"), bytes=Sum("bytes"))
    found = Export.objects.aggregate(last=Max("last_id"), before=Max("recorded_before"))
    return Facts(
        title="The offline store",
        side=True,
        rows=[
            ("Complete up to id", f"{found['last'] or 0:,}"),
            ("All recorded before", when(found["before"])),
            ("Events", f"{totals['rows'] or 0:,}"),
            ("Size", filesizeformat(totals["bytes"] or 0)),
        ],
    )
