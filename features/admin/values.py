"""Stored feature values: the latest of each entity, and what they were before."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest

from base.admin import ReadOnlyAdmin, moment_column
from base.links import entity_link, row_link
from base.panels import Facts, Panel, Table, ago, code, when
from features.admin.lineage import lineage_panels
from features.definitions import find_feature_set
from features.models import FeatureHistory, FeatureSetVersion, FeatureValue, StoredValue
from tasks.models import Task

HISTORY_SHOWN = 20


class SetFilter(admin.SimpleListFilter):
    title, parameter_name = "feature set", "set"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [(row.pk, str(row)) for row in FeatureSetVersion.objects.all()]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(feature_set=self.value()) if (self.value() or "").isdigit() else queryset


class StoredValueAdmin(ReadOnlyAdmin):
    list_display = ["entity_id", "feature_set", moment_column("as_of", "As of"),
                    moment_column("computed_at", "Computed"), "source_rows"]  # fmt: skip
    list_filter = [SetFilter]
    list_select_related = ["feature_set"]
    ordering = ["-id"]
    search_fields = ["entity_id"]
    search_help_text = "Exact entity id"

    def find(self, term: str) -> Q:
        return Q(feature_set__in=list(FeatureSetVersion.objects.all()), entity_id=term)

    def panels(self, request: HttpRequest, row: Any) -> list[Panel]:
        panels = [values_panel(row), history_panel(request.user, row), facts_panel(request.user, row)]
        return panels + lineage_panels(request.user, row)


@admin.register(FeatureValue)
class FeatureValueAdmin(StoredValueAdmin):
    icon = "numbers"


@admin.register(FeatureHistory)
class FeatureHistoryAdmin(StoredValueAdmin):
    icon = "history"


def values_panel(row: StoredValue) -> Table:
    """Each value with the unit and the words of the definition it was computed by."""
    declared = find_feature_set(row.feature_set.name, row.feature_set.version)
    features = row.feature_set.definition["features"]
    rows = [
        (code(name), shown(value), features.get(name, {}).get("unit", ""),
         declared.features[name].description if declared and name in declared.features else "")
        for name, value in row.vals.items()
    ]  # fmt: skip
    return Table(
        title=f"{row.feature_set} of {row.entity_id}", headers=["Feature", "Value", "Unit", "Meaning"], rows=rows
    )


def shown(value: Any) -> str:
    """A number as it is stored; none is a value too."""
    return "none" if value is None else f"{value:,.6g}" if isinstance(value, float) else str(value)


def history_panel(user: Any, row: StoredValue) -> Table:
    past = FeatureHistory.objects.filter(feature_set=row.feature_set, entity_id=row.entity_id)
    rows = [
        (row_link(user, FeatureHistory, old.pk, when(old.as_of)), when(old.computed_at), f"{old.source_rows:,}",
         row_link(user, Task, old.task_id, "task"))
        for old in past.order_by("-as_of")[:HISTORY_SHOWN]
    ]  # fmt: skip
    headers = ["As of", "Computed", "Source rows", "By"]
    return Table(title=f"History, the last {HISTORY_SHOWN} at most", headers=headers, rows=rows)


def facts_panel(user: Any, row: StoredValue) -> Facts:
    feature_set = row.feature_set
    return Facts(
        title="Where it comes from",
        side=True,
        rows=[
            ("Entity", entity_link(user, feature_set.entity_type, row.entity_id)),
            ("Feature set", row_link(user, FeatureSetVersion, feature_set.pk, feature_set)),
            ("As of", when(row.as_of)),
            ("Age", ago(row.as_of)),
            ("Computed", when(row.computed_at)),
            ("Source rows", f"{row.source_rows:,}"),
            ("Task", row.task_id and row_link(user, Task, row.task_id)),
            ("Checksum", code(feature_set.checksum)),
        ],
    )
