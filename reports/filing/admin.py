"""A report in the console: what was told, what became of it, what is around it, and buttons to move it on."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldBooleanWidget

from audit.panels import trail_panel
from base import context
from base.admin import Button, Done, ReadOnlyAdmin, ReasonRequiredForm, moment_column, page_of
from base.links import row_link
from base.panels import BAD, BUSY, GOOD, IDLE, WARN, Drawing, Facts, Panel, Table, Text, badge, when
from reports.classification.panels import why_panels
from reports.duplicates.panels import duplicates_panels
from reports.filing import neighbours, photos, services, voices
from reports.membership import theirs
from reports.models import Category, Comment, Department, Photo, Report

STATES = {
    Report.Status.RECEIVED: WARN,
    Report.Status.ACKNOWLEDGED: BUSY,
    Report.Status.IN_PROGRESS: BUSY,
    Report.Status.RESOLVED: GOOD,
    Report.Status.REJECTED: BAD,
    Report.Status.DUPLICATE: IDLE,
}
SEVERITIES = {
    Report.Severity.LOW: IDLE,
    Report.Severity.MEDIUM: BUSY,
    Report.Severity.HIGH: WARN,
    Report.Severity.CRITICAL: BAD,
}
BY_HAND = [choice for choice in Report.Status.choices if choice[0] != Report.Status.DUPLICATE]


def me() -> Any:
    return get_user_model().objects.get(pk=context.current().user_id)


class MoveForm(forms.Form):
    status = forms.ChoiceField(choices=BY_HAND, widget=UnfoldAdminSelectWidget())
    note = forms.CharField(max_length=1000, required=False, widget=UnfoldAdminTextareaWidget())
    public = forms.BooleanField(
        required=False, initial=True, widget=UnfoldBooleanWidget(), help_text="Residents read the note."
    )


class AssignForm(forms.Form):
    category = forms.ModelChoiceField(Category.objects.filter(is_active=True), widget=UnfoldAdminSelectWidget())
    severity = forms.ChoiceField(
        choices=[("", "as it is"), *Report.Severity.choices], required=False, widget=UnfoldAdminSelectWidget()
    )


def move(row: Report, data: dict[str, Any]) -> Done:
    services.change_status(report=row, to=data["status"], by=me(), note=data["note"], public=data["public"])
    return Done(f"The report is {row.get_status_display().lower()}.")


def assign(row: Report, data: dict[str, Any]) -> Done:
    done = services.assign_report(
        report_id=row.pk, by=me(), severity=data["severity"] or None, category=data["category"].code
    )
    return Done(f"{data['category']} for {done.department}.")


class CommentForm(ReasonRequiredForm):
    field_order = ["comment", "reason"]
    comment = forms.IntegerField(min_value=1, help_text="Its number.")


def hide(row: Report, data: dict[str, Any]) -> Done:
    if not Comment.objects.filter(pk=data["comment"], report=row).exists():
        raise services.WrongStatus("The report has no such comment.")
    voices.hide_comment(comment_id=data["comment"], hidden=True)
    return Done("Residents do not see the comment any more.")


def remove(row: Report, data: dict[str, Any]) -> Done:
    for photo in row.photos.all():
        photos.remove_photo(photo=photo)
    return Done("The photos are gone.")


def button(name: str, title: str, icon: str, question: str, press: Any, **more: Any) -> Button:
    refusals = (services.WrongStatus, services.UnknownCategory)
    return Button(
        name=name, title=title, icon=icon, permission="reports.handle_report", question=question, press=press,
        refusals=refusals, **more,
    )  # fmt: skip


BUTTONS = [
    button("move", "Move on", "arrow_forward", "Its reporter sees the step.", move, form=MoveForm, many=True),
    button("assign", "Assign", "move_down", "The category's department has it then.", assign, form=AssignForm),
    button("hide", "Hide a comment", "visibility_off", "Residents do not see it any more; it is kept.", hide,
           form=CommentForm, offered=lambda row: row.comments_count > 0),
    button("unpicture", "Remove photos", "hide_image", "Removes all photos of the report for good.", remove,
           form=ReasonRequiredForm, danger=True, offered=lambda row: row.photos.exists()),
]  # fmt: skip


def state_badge(row: Report) -> str:
    return badge(row.get_status_display(), STATES[Report.Status(row.status)])


def severity_badge(row: Report) -> str:
    return badge(row.get_severity_display(), SEVERITIES[Report.Severity(row.severity)])


SHOWN_WITH = ["category", "department", "reporter", "merged_into"]


@admin.register(Report)
class ReportAdmin(ReadOnlyAdmin):
    icon, entity_type = "campaign", "report"
    list_display = [
        "told", "state", "how_bad", "category", "department", "confirmations_count",
        moment_column("reported_at", "Reported"),
    ]  # fmt: skip
    list_per_page = 25  # a row is dear to draw
    list_filter = ["status", "severity", "category", "department", "source"]
    search_fields = ["id", "external_ref", "cell"]
    search_help_text = "Exact number, reference or H3 cell"
    buttons = BUTTONS

    def get_queryset(self, request: HttpRequest) -> QuerySet[Report]:
        return super().get_queryset(request).filter(theirs(request.user)).select_related(*SHOWN_WITH)

    @display(description="Report", header=True)
    def told(self, row: Report) -> list[str]:
        return [row.title, f"{row.pk} · {row.address}" if row.address else str(row.pk)]

    @display(description="State")
    def state(self, row: Report) -> str:
        return state_badge(row)

    @display(description="Severity")
    def how_bad(self, row: Report) -> str:
        return severity_badge(row)

    def panels(self, request: HttpRequest, row: Report) -> list[Panel]:
        user = request.user
        others = neighbours.around(row)
        return [
            Text(title=row.title, text=row.description, code=False),
            *photos_panel(row),
            *why_panels(row),
            history_panel(user, row),
            *duplicates_panels(user, row),
            *comments_panel(user, row),
            Drawing(
                title="Around it",
                svg=neighbours.draw(row, others, page_of),
                note=f"{len(others)} others within {neighbours.REACH_M} m; its own category is in another colour.",
            ),
            *trail_panel(user, "report", row.pk),
            facts(user, row),
        ]


def facts(user: Any, row: Report) -> Facts:
    return Facts(
        title=f"Report {row.pk}",
        side=True,
        rows=[
            ("State", state_badge(row)),
            ("Severity", severity_badge(row)),
            ("Category", row_link(user, Category, row.category_id, row.category)),
            ("Department", row_link(user, Department, row.department_id, row.department)),
            ("Merged into", row_link(user, Report, row.merged_into_id, row.merged_into)),
            ("Reporter", row.reporter and row_link(user, type(row.reporter), row.reporter_id, row.reporter)),
            ("Reputation", row.reporter and row.reporter.reputation),
            ("Place", f"{row.latitude:.6f}, {row.longitude:.6f}"),
            ("Address", row.address),
            ("H3 cell", row.cell),
            ("Confirmed by", f"{row.confirmations_count} others"),
            ("Source", row.get_source_display()),
            ("Reference", row.external_ref),
            ("Reported at", when(row.reported_at)),
            ("Closed at", when(row.closed_at)),
        ],
    )


def history_panel(user: Any, row: Report) -> Table:
    steps = [
        (
            when(step.at),
            badge(step.get_to_status_display(), STATES[Report.Status(step.to_status)]),
            step.by and row_link(user, type(step.by), step.by_id, step.by),
            step.note,
            "" if step.is_public or not step.note else "staff alone",
        )
        for step in row.history.select_related("by")
    ]
    return Table(title="History", headers=["At", "State", "By", "Note", ""], rows=steps)


def comments_panel(user: Any, row: Report) -> list[Panel]:
    rows = [
        (one.pk, when(one.created_at), one.author and row_link(user, type(one.author), one.author_id, one.author),
         one.text, badge("hidden", IDLE) if one.hidden_at else "")
        for one in row.comments.select_related("author")[:100]
    ]  # fmt: skip
    return [Table(title="Comments", headers=["Number", "At", "By", "Text", ""], rows=rows)] if rows else []


def photos_panel(row: Report) -> list[Panel]:
    pictures = format_html_join(
        " ", '<a href="{0}"><img src="{0}?size=small" alt="Photo"></a>', map(_url, row.photos.all())
    )
    return [Drawing(title="Photos", svg=format_html("{}", pictures))] if pictures else []


def _url(photo: Photo) -> tuple[str]:
    return (reverse("report-photo", args=[photo.report_id, photo.pk]),)
