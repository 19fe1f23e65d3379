"""The audit trail in the console: search it, and see that an entry is what was sealed."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Max, Q
from django.http import Http404, HttpRequest
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from unfold.decorators import display

from audit.models import Entry, Seal
from audit.panels import TONES, seal_panel, timeline, timeline_url
from audit.search import EXAMPLE, WORDS, exactly
from base.admin import ReadOnlyAdmin, moment_column
from base.links import actor_link, actor_names, entity_link
from base.panels import GOOD, IDLE, Facts, Panel, Text, anchor, badge, code, pretty, when

NEW = 20_000  # how many of the newest ids are looked through for entries without a seal


class SealedFilter(admin.SimpleListFilter):
    title, parameter_name = "seal", "sealed"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [("yes", "Sealed"), ("no", "Not sealed yet")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Sealing follows the order of ids, so what is not sealed is new; entries that commit late are few."""
        if self.value() == "no":
            since_id = (Entry.objects.aggregate(Max("id"))["id__max"] or 0) - NEW
            sealed = Seal.objects.filter(entry_id__gt=since_id).values("entry_id")
            return queryset.filter(id__gt=since_id).exclude(pk__in=sealed)
        return queryset.filter(seal__isnull=False) if self.value() == "yes" else queryset


@admin.register(Entry)
class EntryAdmin(ReadOnlyAdmin):
    icon, entity_type = "receipt_long", "audit_entry"
    list_display = [moment_column("at", "At"), "what", "outcome", "on", "actor", "ip", "sealed"]
    list_filter = [SealedFilter]
    list_select_related = ["seal"]
    ordering = ["-id"]
    search_fields = ["action", "actor", "entity_id"]
    search_help_text = EXAMPLE
    search_words = WORDS

    def find(self, term: str) -> Q:
        return exactly(term)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.timeline)
        route = "of/<str:entity_type>/<path:entity_id>/"
        return [path(route, view, name="audit_entry_timeline"), *super().get_urls()]

    def timeline(self, request: HttpRequest, entity_type: str, entity_id: str) -> TemplateResponse:
        """Everything that was noted about one entity, in order."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if "\x00" in entity_type + entity_id:
            raise Http404
        after = request.GET.get("after", "")
        after_id = int(after) if after.isascii() and after.isdigit() and len(after) < 19 else 0
        panels = timeline(request.user, entity_type, entity_id, after=after_id)
        context = self._context(request, None) | {
            "title": f"{entity_type}:{entity_id}",
            "panels": panels,
        }
        return TemplateResponse(request, "console/row.html", context)

    @display(description="Action")
    def what(self, row: Entry) -> str:
        return row.action

    @display(description="Outcome")
    def outcome(self, row: Entry) -> str:
        return badge(row.status, TONES[Entry.Status(row.status)])

    @display(description="Target")
    def on(self, row: Entry) -> str:
        return f"{row.entity_type}:{row.entity_id}"

    @display(description="Seal")
    def sealed(self, row: Entry) -> str:
        seal = getattr(row, "seal", None)
        return badge(f"#{seal.sequence}", GOOD) if seal else badge("not yet", IDLE)

    def panels(self, request: HttpRequest, row: Entry) -> list[Panel]:
        user = request.user
        facts = Facts(
            title=row.action,
            side=True,
            rows=[
                ("At", when(row.at)),
                ("Outcome", self.outcome(row)),
                ("Actor", actor_link(user, row.actor, actor_names([row.actor]).get(row.actor, ""))),
                ("Target", entity_link(user, row.entity_type, row.entity_id)),
                ("Timeline", anchor(timeline_url(row.entity_type, row.entity_id), "all about it")),
                ("Address", row.ip),
                ("Agent", row.user_agent),
                ("Correlation id", row.correlation_id and code(row.correlation_id)),
            ],
        )
        return [Text(title="Details", text=pretty(row.metadata)), seal_panel(user, row), facts]
