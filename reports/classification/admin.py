"""Classifications and corrections in the console, and the published classifiers."""

from __future__ import annotations

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from unfold.decorators import display

from base.admin import ReadOnlyAdmin, moment_column
from base.panels import GOOD, WARN, Facts, Panel, badge
from reports.classification.models import Classification, Correction
from reports.classification.panels import said_panels, version_panels


@admin.register(Classification)
class ClassificationAdmin(ReadOnlyAdmin):
    icon, entity_type = "label", "classification"
    list_display = ["report", "category", "share", "set_it", "model_version", moment_column("at", "At")]
    list_filter = ["chosen", "category"]
    list_select_related = ["report", "category"]
    ordering = ["-id"]
    search_fields = ["report__id"]
    search_help_text = "Exact id of the report"
    more = [("Classifiers", "model_training", "reports_classification_versions")]

    @display(description="Probability")
    def share(self, row: Classification) -> str:
        return f"{row.probability:.1%}"

    @display(description="Set")
    def set_it(self, row: Classification) -> str:
        return badge("set", GOOD) if row.chosen else badge("reviewed", WARN)

    def panels(self, request: HttpRequest, row: Classification) -> list[Panel]:
        return said_panels(row)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.versions_view)
        return [path("versions/", view, name="reports_classification_versions"), *super().get_urls()]

    def versions_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = self._context(request, None) | {"title": "Classifiers", "panels": version_panels()}
        return TemplateResponse(request, "console/row.html", context)


@admin.register(Correction)
class CorrectionAdmin(ReadOnlyAdmin):
    icon, entity_type = "school", "correction"
    list_display = ["report", "category", "suggested", "by", moment_column("at", "At")]
    list_filter = ["category"]
    list_select_related = ["report", "category", "suggested", "by"]
    ordering = ["-id"]
    search_fields = ["report__id"]
    search_help_text = "Exact id of the report"

    def panels(self, request: HttpRequest, row: Correction) -> list[Panel]:
        rows = [("Report", row.report_id), ("Category", row.category_id), ("The model had said", row.suggested_id),
                ("By", str(row.by or "")), ("Classifier", row.model_version)]  # fmt: skip
        return [Facts(title="Correction", rows=rows)]
