"""Corpora and their documents in the console."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.postgres.search import SearchQuery
from django.db.models import Q
from django.http import HttpRequest
from unfold.decorators import display

from audit.panels import trail_panel
from base.admin import Button, Done, ReadOnlyAdmin, ReasonRequiredForm, moment_column
from base.links import list_url
from base.panels import BUSY, GOOD, IDLE, Facts, Number, Panel, anchor, badge, code, when
from claims import panels
from claims.evidence import switching
from claims.models import Corpus, Document
from claims.verification.buttons import reverify_button


def switch(row: Corpus, data: dict[str, Any]) -> Done:
    used = switching.switch_corpus(name=row.name, is_active=not row.is_active, reason=data["reason"]).is_active
    return Done("New verifications look into it." if used else "New verifications leave it out.")


@admin.register(Corpus)
class CorpusAdmin(ReadOnlyAdmin):
    icon, entity_type = "library_books", "corpus"
    list_display = ["named", "in_use", "document_count", "version", "licence", moment_column("changed_at", "Changed")]
    search_fields = ["name"]
    search_help_text = "Exact name"
    buttons = [
        reverify_button(),
        Button(
            name="use", title="Use it", icon="toggle_on", permission="claims.change_corpus", press=switch,
            question="New verifications look into it.", form=ReasonRequiredForm,
            offered=lambda row: not row.is_active,
        ),
        Button(
            name="leave", title="Leave it out", icon="toggle_off", permission="claims.change_corpus", press=switch,
            question="New verifications leave it out; verdicts that looked into it stay.", form=ReasonRequiredForm,
            offered=lambda row: row.is_active, danger=True,
        ),
    ]  # fmt: skip

    @display(description="Corpus", header=True)
    def named(self, row: Corpus) -> list[str]:
        return [row.title, row.name]

    @display(description="State")
    def in_use(self, row: Corpus) -> str:
        return badge("in use", GOOD) if row.is_active else badge("left out", IDLE)

    def panels(self, request: HttpRequest, row: Corpus) -> list[Panel]:
        return [
            Number(
                title="Documents", value=f"{row.document_count:,}", href=list_url(Document, f"?q=corpus:{row.name}")
            ),
            Number(title="Version", value=row.version, note="loads that changed something", tone=BUSY),
            *trail_panel(request.user, "corpus", row.name, limit=20),
            Facts(
                title=row.title,
                side=True,
                rows=[
                    ("State", self.in_use(row)),
                    ("Name", code(row.name)),
                    ("Licence", row.licence),
                    ("Source", anchor(row.source_url, row.source_url) if row.source_url else ""),
                    ("Changed at", when(row.changed_at)),
                ],
            ),
        ]


@admin.register(Document)
class DocumentAdmin(ReadOnlyAdmin):
    icon, entity_type = "article", "document"
    list_display = ["titled", "corpus", "state", "versions", moment_column("created_at", "Loaded")]
    list_filter = ["corpus"]
    list_select_related = ["corpus"]
    search_help_text = 'Words, "phrases", -without; or an exact id; corpus:NAME'
    search_words = {"corpus": lambda name: Q(corpus=name), "id": lambda value: Q(external_id=value)}

    def find(self, term: str) -> Q:
        """An exact id of its source, else current documents by their words, as retrieval finds them."""
        words = Q(until=None, search=SearchQuery(term, search_type="websearch", config="english"))
        return self.first_of(Q(external_id=term), words)

    @display(description="Document", header=True)
    def titled(self, row: Document) -> list[str]:
        return [panels.shortened(str(row)), row.external_id]

    @display(description="State")
    def state(self, row: Document) -> str:
        return panels.current_badge(row)

    @display(description="In versions")
    def versions(self, row: Document) -> str:
        return panels.lifetime(row)

    def panels(self, request: HttpRequest, row: Document) -> list[Panel]:
        return panels.document_panels(request.user, row)
