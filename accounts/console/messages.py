"""Mail that was sent or waits, and what earned or cost reputation."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from unfold.decorators import display

from accounts.models import Mail, ReputationChange
from base.admin import ReadOnlyAdmin, moment_column
from base.links import entity_link, row_link
from base.panels import GOOD, WARN, Facts, Panel, Text, badge, when


@admin.register(Mail)
class MailAdmin(ReadOnlyAdmin):
    icon, entity_type = "mail", "mail"
    list_display = ["subject", "to", "state", moment_column("created_at", "Asked for")]
    ordering = ["-created_at"]
    search_fields = ["id"]
    search_help_text = "Exact id"

    @display(description="State")
    def state(self, row: Mail) -> str:
        return badge("sent", GOOD) if row.sent_at else badge("waits", WARN)

    def panels(self, request: HttpRequest, row: Mail) -> list[Panel]:
        facts = [
            ("State", self.state(row)),
            ("To", row.to),
            ("About", entity_link(request.user, row.about_type, row.about_id)),
            ("Asked for", when(row.created_at)),
            ("Sent", when(row.sent_at)),
        ]
        return [Text(title=row.subject, text=row.body), Facts(title="Mail", side=True, rows=facts)]


@admin.register(ReputationChange)
class ReputationChangeAdmin(ReadOnlyAdmin):
    icon = "thumbs_up_down"
    list_display = ["rule", "points", "user", "about", moment_column("at", "At")]
    list_select_related = ["user"]
    ordering = ["-id"]
    search_fields = ["user"]
    search_help_text = "Exact id of the user"

    @display(description="About")
    def about(self, row: ReputationChange) -> str:
        return f"{row.subject_type}:{row.subject_id}"

    def panels(self, request: HttpRequest, row: ReputationChange) -> list[Panel]:
        facts = [
            ("User", row_link(request.user, type(row.user), row.user_id, row.user)),
            ("Rule", row.rule),
            ("Points", f"{row.points:+d}"),
            ("About", entity_link(request.user, row.subject_type, row.subject_id)),
            ("At", when(row.at)),
        ]
        return [Facts(title="Reputation", rows=facts)]
