"""The review queue in the console: the oldest day first, with buttons to claim, release, approve and decline."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from audit.panels import trail_panel
from base import context
from base.admin import Button, Done, ReadOnlyAdmin, ReasonForm, ReasonRequiredForm, moment_column, page_of
from base.links import row_link
from base.panels import BAD, BUSY, GOOD, WARN, Facts, Panel, Table, badge, code, when
from loans import reasons
from loans.models import CreditDecision, LoanRequest, ReviewItem
from loans.review import work

TONES = {ReviewItem.Status.OPEN: WARN, ReviewItem.Status.CLAIMED: BUSY, ReviewItem.Status.DONE: GOOD}
REFUSALS = (work.WrongState, work.OwnWork, reasons.UnknownReason)


class DeclineForm(ReasonRequiredForm):
    field_order = ["reasons", "reason"]
    reasons = forms.MultipleChoiceField(
        choices=lambda: [(one.code, f"{one.code}  {one.text}") for one in reasons.catalogue().values()],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="What the borrower is told: 1 to 4.",
    )


def me() -> Any:
    return get_user_model().objects.get(pk=context.current().user_id)


def claim(row: ReviewItem, data: dict[str, Any]) -> Done:
    item = work.claim_item(item_id=row.pk, user=me())
    return Done(f"It is yours until {item.claim_until:%H:%M} UTC.")


def release(row: ReviewItem, data: dict[str, Any]) -> Done:
    work.release_item(item_id=row.pk, user=me(), reason=data["reason"])
    return Done("It is back in the queue.")


def approve(row: ReviewItem, data: dict[str, Any]) -> Done:
    work.decide_item(item_id=row.pk, user=me(), approve=True, note=data["reason"])
    return Done("The request is approved.", page_of(row.loan_request))


def decline(row: ReviewItem, data: dict[str, Any]) -> Done:
    work.decide_item(
        item_id=row.pk, user=me(), approve=False, note=data["reason"], reason_codes=data["reasons"]
    )  # fmt: skip
    return Done("The request is declined; the borrower gets a notice.", page_of(row.loan_request))


def mine(row: ReviewItem) -> bool:
    return row.status == ReviewItem.Status.CLAIMED and row.claimed_by_id == context.current().user_id


def button(name: str, title: str, icon: str, question: str, press: Any, **more: Any) -> Button:
    return Button(
        name=name,
        title=title,
        icon=icon,
        permission="loans.decide_reviewitem",
        question=question,
        press=press,
        refusals=REFUSALS,
        **more,
    )


BUTTONS = [
    button("claim", "Claim", "back_hand", "Takes the request, so that nobody else decides it meanwhile.", claim,
           offered=lambda row: row.status != ReviewItem.Status.DONE and not mine(row)),
    button("release", "Release", "undo", "Gives the request back to the queue.", release, form=ReasonForm,
           offered=mine),
    button("approve", "Approve", "check", "Approves the request for good.", approve, form=ReasonRequiredForm,
           offered=mine),
    button("decline", "Decline", "close", "Declines the request for good. The borrower is told the reasons you choose; "
           "what you write below is for staff alone.", decline, form=DeclineForm, offered=mine, danger=True),
]  # fmt: skip


@admin.register(ReviewItem)
class ReviewItemAdmin(ReadOnlyAdmin):
    icon, entity_type = "rule", "review_item"
    list_display = ["asked", "state", "shown_risk", "due", "claimed_by", moment_column("opened_at", "Opened")]
    list_filter = ["status"]
    list_select_related = ["loan_request", "claimed_by"]
    ordering = work.ORDER.fields
    search_fields = ["loan_request"]
    search_help_text = "Exact request id"
    buttons = BUTTONS

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReviewItem]:
        return super().get_queryset(request).select_related("loan_request__borrower")

    @display(description="Request", header=True)
    def asked(self, row: ReviewItem) -> list[str]:
        return [str(row.loan_request), row.reason]

    @display(description="State")
    def state(self, row: ReviewItem) -> str:
        return badge(row.status, TONES[ReviewItem.Status(row.status)])

    @display(description="Risk")
    def shown_risk(self, row: ReviewItem) -> str:
        return f"{100 * row.risk:.1f} %"

    @display(description="Due")
    def due(self, row: ReviewItem) -> str:
        late = row.status != ReviewItem.Status.DONE and row.due_at < timezone.now()
        return badge("overdue", BAD) if late else when(row.due_at)

    def panels(self, request: HttpRequest, row: ReviewItem) -> list[Panel]:
        user = request.user
        return [
            reasons_panel(row),
            *trail_panel(user, "loan_request", row.loan_request_id),
            Facts(
                title="Review",
                side=True,
                rows=[
                    ("State", self.state(row)),
                    ("Request", row_link(user, LoanRequest, row.loan_request_id, row.loan_request)),
                    ("Why", row.reason),
                    ("Risk", self.shown_risk(row)),
                    ("Opened", when(row.opened_at)),
                    ("Due", self.due(row)),
                    ("Claimed by", row.claimed_by),
                    ("Until", when(row.claim_until) if row.status == ReviewItem.Status.CLAIMED else ""),
                    ("Decided", when(row.decided_at)),
                    ("Note", row.note),
                ],
            ),
        ]


def decisions_panel(request: LoanRequest) -> list[Panel]:
    """The machine's decision and the reviewer's after it; nothing where there is one alone."""
    decisions = CreditDecision.objects.filter(loan_request=request).select_related("decided_by")
    rows = [(one.number, one.outcome, one.decided_by or "the machine", when(one.created_at)) for one in decisions]
    headers = ["Number", "Decision", "By", "At"]
    return [Table(title="Decisions", headers=headers, rows=rows)] if len(rows) > 1 else []


def reasons_panel(row: ReviewItem) -> Table:
    decision = CreditDecision.objects.get(loan_request=row.loan_request_id, number=1)
    return Table(
        title="What spoke against it",
        headers=["Rank", "Code", "Reason", "Points lost"],
        rows=[(r["rank"], code(r["code"]), r["text"], r.get("points_lost")) for r in decision.adverse_reasons],
    )
