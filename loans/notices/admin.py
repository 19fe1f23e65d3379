"""Notices in the console: what was told and when, to print, and a button for what went by post."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from unfold.decorators import display

from base.admin import Button, Done, ReadOnlyAdmin, moment_column
from base.links import row_link
from base.panels import BAD, GOOD, WARN, Facts, Panel, Text, anchor, badge, code, when
from loans.models import Borrower, LoanRequest, Notice
from loans.notices import issue


def post(row: Notice, data: dict[str, Any]) -> Done:
    issue.post_notice(notice_id=row.pk, reason=data["reason"])
    return Done("Noted that it was posted.")


def waits_for_post(row: Notice) -> bool:
    return row.channel == Notice.Channel.POST and row.sent_at is None


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin):
    icon, entity_type = "mail", "notice"
    list_display = ["subject", "to", "state", "channel", "due_date", moment_column("issued_at", "Issued")]
    list_filter = ["channel"]
    list_select_related = ["decision__loan_request__borrower"]
    ordering = ["-issued_at", "-id"]
    search_fields = ["id", "decision"]
    search_help_text = "Exact id of the notice or of the decision"
    buttons = [
        Button(
            name="post",
            title="Posted",
            icon="local_post_office",
            permission="loans.decide_reviewitem",
            question="Says that you have printed this letter and posted it.",
            press=post,
            refusals=(issue.WrongState,),
            offered=waits_for_post,
            many=True,
        )
    ]

    @display(description="To")
    def to(self, row: Notice) -> str:
        return str(row.decision.loan_request.borrower)

    @display(description="State")
    def state(self, row: Notice) -> str:
        if row.sent_at:
            return badge("sent", GOOD)
        return badge("to be posted", BAD) if waits_for_post(row) else badge("waits", WARN)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.print_view)
        return [path("<uuid:notice_id>/print/", view, name="loans_notice_print"), *super().get_urls()]

    def print_view(self, request: HttpRequest, notice_id: Any) -> HttpResponse:
        """The page as it was issued, and nothing around it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        notice = Notice.objects.filter(pk=notice_id).first()
        if notice is None:
            raise Http404
        return HttpResponse(notice.html)

    def panels(self, request: HttpRequest, row: Notice) -> list[Panel]:
        asked = row.decision.loan_request
        borrower = asked.borrower
        return [
            Text(title=row.subject, text=row.text),
            Facts(
                title="Notice",
                side=True,
                rows=[
                    ("State", self.state(row)),
                    ("To", row_link(request.user, Borrower, borrower.pk, borrower)),
                    ("E-mail", borrower.user.email),
                    ("Phone", borrower.user.phone),
                    ("Request", row_link(request.user, LoanRequest, asked.pk, asked)),
                    ("Channel", row.channel),
                    ("Due", row.due_date),
                    ("Issued", when(row.issued_at)),
                    ("Sent", when(row.sent_at)),
                    ("SHA-256", code(row.sha256)),
                    ("Print", anchor(reverse("admin:loans_notice_print", args=[row.pk]), "The letter")),
                ],
            ),
        ]
