"""The review queue in the console: the oldest day first, with buttons to claim, release, approve and decline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminTextInputWidget

from audit.panels import trail_panel
from base import context
from base.admin import Button, Done, ReadOnlyAdmin, ReasonForm, ReasonRequiredForm, moment_column, page_of
from base.links import row_link
from base.panels import BAD, BUSY, GOOD, WARN, Facts, Panel, Table, badge, code, when
from loans import panels, reasons
from loans.models import CreditDecision, LoanRequest, ReviewItem
from loans.policy.panels import evidence_panel
from loans.review import work

TONES = {ReviewItem.Status.OPEN: WARN, ReviewItem.Status.CLAIMED: BUSY, ReviewItem.Status.DONE: GOOD}
REFUSALS = (work.WrongState, work.OwnWork, reasons.UnknownReason)


class DeclineForm(ReasonRequiredForm):
    """What the machine found comes first, in its order."""

    field_order = ["reasons", "reason"]
    reasons = forms.MultipleChoiceField(
        label="The borrower is told",
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="1 to 4, the principal reasons. Those with a star were found by the machine.",
    )
    reason = forms.CharField(
        label="Note for staff", max_length=300, widget=UnfoldAdminTextInputWidget(),
        help_text="Required; kept in the audit trail, never shown to the borrower.",
    )  # fmt: skip

    def __init__(self, *args: Any, known: Sequence[dict[str, Any]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        found = [(one["code"], f"{one['code']}  {one['text']} *") for one in known]
        others = [(one.code, f"{one.code}  {one.text}") for one in reasons.catalogue().values()]
        codes = {code for code, _ in found}
        listed: Any = self.fields["reasons"]
        listed.choices = [*found, *(one for one in others if one[0] not in codes)]


def known_reasons(row: ReviewItem) -> dict[str, Any]:
    return {"known": CreditDecision.objects.get(loan_request=row.loan_request_id, number=1).adverse_reasons}


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


def free(row: ReviewItem) -> bool:
    """Open, or claimed for longer than a claim lasts."""
    ran_out = row.claim_until is not None and row.claim_until < timezone.now()
    return row.status == ReviewItem.Status.OPEN or (row.status == ReviewItem.Status.CLAIMED and ran_out)


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
           offered=free),
    button("release", "Release", "undo", "Gives the request back to the queue.", release, form=ReasonForm,
           offered=mine),
    button("approve", "Approve", "check", "Approves the request for good.", approve, form=ReasonRequiredForm,
           offered=mine),
    button("decline", "Decline", "close", "Declines the request for good. The borrower is told the reasons you choose; "
           "what you write below is for staff alone.", decline, form=DeclineForm, given=known_reasons, offered=mine,
           danger=True),
]  # fmt: skip


@admin.register(ReviewItem)
class ReviewItemAdmin(ReadOnlyAdmin):
    icon, entity_type = "fact_check", "review_item"
    list_display = ["asked", "state", "claimed_by", "shown_risk", "due", moment_column("opened_at", "Opened")]
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
        user, asked = request.user, row.loan_request
        decision = CreditDecision.objects.get(loan_request=asked, number=1)
        return [
            reasons_panel(row, decision),
            *evidence_panel(user, decision),
            panels.points_panel(decision),
            panels.requests_panel(user, asked.borrower),
            panels.loans_panel(user, asked.borrower),
            *trail_panel(user, "loan_request", asked.pk),
            panels.request_facts(user, asked),
            Facts(
                title="Review",
                side=True,
                rows=[
                    ("State", self.state(row)),
                    ("Decision", row_link(user, LoanRequest, asked.pk, "with all it was made from")),
                    ("Score", decision.final_credit_score),
                    ("Default risk", f"{100 * decision.default_probability:.1f} %"),
                    ("Fraud score", f"{decision.fraud_score:.2f}"),
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


def reasons_panel(row: ReviewItem, decision: CreditDecision) -> Table:
    return Table(
        title=f"In review: {row.reason}",
        headers=["Rank", "Code", "Reason", "Points lost"],
        rows=[(r["rank"], code(r["code"]), r["text"], r.get("points_lost")) for r in decision.adverse_reasons],
    )
