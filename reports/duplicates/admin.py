"""Links between duplicates in the console: suggestions to merge or reject, and merges to take apart."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from audit.panels import trail_panel
from base import context
from base.admin import Button, Done, ReadOnlyAdmin, ReasonForm, moment_column, page_of
from base.links import row_link
from base.panels import Facts, Panel, Text, badge, when
from base.worklist import OwnWork, WrongState
from reports.duplicates import merging
from reports.duplicates.panels import STATES
from reports.membership import theirs
from reports.models import DuplicateLink, Report

State = DuplicateLink.State


def me() -> Any:
    return get_user_model().objects.get(pk=context.current().user_id)


def merge(row: DuplicateLink, data: dict[str, Any]) -> Done:
    merging.merge(report_id=row.report_id, into_id=row.original_id, by=me(), note=data["reason"])
    return Done(f"Report {row.report_id} goes on as report {row.original_id}.", page_of(row.original))


def unmerge(row: DuplicateLink, data: dict[str, Any]) -> Done:
    merging.unmerge(report_id=row.report_id, by=me(), note=data["reason"])
    return Done(f"Report {row.report_id} goes on by itself.", page_of(row.report))


def reject(row: DuplicateLink, data: dict[str, Any]) -> Done:
    merging.reject(report_id=row.report_id, into_id=row.original_id, by=me(), note=data["reason"])
    return Done("They are not the same; it is not suggested again.")


def button(name: str, title: str, icon: str, question: str, press: Any, *states: str) -> Button:
    return Button(
        name=name, title=title, icon=icon, permission="reports.merge_duplicatelink", question=question, press=press,
        refusals=(WrongState, OwnWork), offered=lambda row: row.state in states, form=ReasonForm,
        many=name != "unmerge",
    )  # fmt: skip


@admin.register(DuplicateLink)
class DuplicateLinkAdmin(ReadOnlyAdmin):
    icon, entity_type = "join", "duplicate_link"
    list_display = ["pair", "shown_state", "likely", "distance", moment_column("created_at", "Suggested"), "decided_by"]
    list_filter = ["state"]
    list_select_related = ["report", "original", "decided_by"]
    search_fields = ["report", "original"]
    search_help_text = "Exact number of a report"
    buttons = [
        button("merge", "Merge", "merge", "The report goes on as its original.", merge, State.SUGGESTED,
               State.UNMERGED, State.REJECTED),
        button("reject", "Not the same", "close", "It is not suggested again.", reject, State.SUGGESTED),
        button("unmerge", "Take apart", "call_split", "The report goes on by itself, as it was.", unmerge,
               State.MERGED),
    ]  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[DuplicateLink]:
        seen = Report.objects.filter(theirs(request.user)).values("pk")
        return super().get_queryset(request).filter(report__in=seen).select_related("report", "original", "decided_by")

    @display(description="Report", header=True)
    def pair(self, row: DuplicateLink) -> list[str]:
        return [row.report.title, f"{row.report_id} → {row.original_id} {row.original.title}"]

    @display(description="State")
    def shown_state(self, row: DuplicateLink) -> str:
        return badge(row.get_state_display(), STATES[row.state])

    @display(description="Probability")
    def likely(self, row: DuplicateLink) -> str:
        return "" if row.probability is None else f"{row.probability:.0%}"

    @display(description="Away")
    def distance(self, row: DuplicateLink) -> str:
        return f"{row.distance_m:.0f} m, {row.days:.1f} days"

    def panels(self, request: HttpRequest, row: DuplicateLink) -> list[Panel]:
        user = request.user
        return [
            Text(title=f"Report {row.report_id}: {row.report.title}", text=row.report.description, code=False, width=6),
            Text(title=f"Original {row.original_id}: {row.original.title}", text=row.original.description, code=False,
                 width=6),
            *trail_panel(user, "report", row.report_id),
            Facts(
                title="Link",
                side=True,
                rows=[
                    ("State", self.shown_state(row)),
                    ("Report", row_link(user, Report, row.report_id)),
                    ("Original", row_link(user, Report, row.original_id)),
                    ("Probability", self.likely(row)),
                    ("Model", row.model_version),
                    ("Away", self.distance(row)),
                    ("Decided by", row.decided_by),
                    ("Decided at", when(row.decided_at) if row.decided_at else ""),
                    ("Note", row.note),
                ],
            ),
        ]  # fmt: skip
