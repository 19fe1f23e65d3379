"""Loans in the console: who asked, what was decided, and everything the decision was made from."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from audit.panels import trail_panel
from base.admin import ReadOnlyAdmin, exactly, moment_column
from base.links import row_link
from base.panels import BAD, IDLE, Facts, Panel, badge, code, when
from loans.models import Borrower, CreditDecision, Loan, LoanRequest, Notice, ReviewItem
from loans.notices.admin import NoticeAdmin
from loans.panels import (
    LOANS,
    OUTCOMES,
    decision_panels,
    loans_panel,
    newest,
    request_facts,
    requests_panel,
    signal_facts,
    state_badge,
)
from loans.policy.panels import evidence_panel
from loans.repayment.admin import instalments_panel
from loans.review.admin import ReviewItemAdmin, decisions_panel
from tasks.models import Task
from tasks.panels import work_panel

__all__ = ["BorrowerAdmin", "LoanAdmin", "LoanRequestAdmin", "NoticeAdmin", "ReviewItemAdmin"]


@admin.register(LoanRequest)
class LoanRequestAdmin(ReadOnlyAdmin):
    icon, entity_type = "request_quote", "loan_request"
    list_display = [
        "asked",
        "outcome",
        "state",
        "score",
        "default",
        "fraud",
        "borrower",
        moment_column("created_at", "Asked at"),
    ]
    list_filter = ["status", "created_at"]
    list_select_related = ["borrower"]
    search_fields = ["id", "borrower", "ip"]
    search_help_text = "Exact request id, borrower id or address"

    def get_queryset(self, request: HttpRequest) -> QuerySet[LoanRequest]:
        return super().get_queryset(request).prefetch_related("decisions")

    def find(self, term: str) -> Q:
        borrowers = [
            borrower
            for field in ("id", "external_ref")
            for borrower in Borrower.objects.filter(exactly(Borrower, term, field))
        ]
        found = [exactly(LoanRequest, term, field) for field in ("id", "ip")]
        return self.first_of(*found, Q(borrower__in=borrowers))

    @display(description="Request", header=True)
    def asked(self, row: LoanRequest) -> list[str]:
        return [f"{row.requested_amount:,.2f} for {row.purpose}", f"{row.term_months} months"]

    @display(description="Decision")
    def outcome(self, row: LoanRequest) -> str:
        decision = newest(row)
        return badge(decision.outcome, OUTCOMES[CreditDecision.Outcome(decision.outcome)]) if decision else ""

    @display(description="State")
    def state(self, row: LoanRequest) -> str:
        return state_badge(row)

    @display(description="Score")
    def score(self, row: LoanRequest) -> Any:
        decision = newest(row)
        return decision and decision.final_credit_score

    @display(description="Default risk")
    def default(self, row: LoanRequest) -> str:
        decision = newest(row)
        return f"{100 * decision.default_probability:.1f} %" if decision else ""

    @display(description="Fraud")
    def fraud(self, row: LoanRequest) -> str:
        decision = newest(row)
        return badge(f"{decision.fraud_score:.2f}", BAD if decision.fraud_flags else IDLE) if decision else ""

    def panels(self, request: HttpRequest, row: LoanRequest) -> list[Panel]:
        user = request.user
        decision = newest(row)
        tasks = Task.objects.filter(subject_type="borrower", subject_id=str(row.borrower_id))
        return [
            *(decision_panels(decision) if decision else []),
            *decisions_panel(row),
            *(evidence_panel(user, decision) if decision else []),
            *work_panel(user, tasks, title="Tasks about the borrower"),
            *trail_panel(user, "loan_request", row.pk),
            *handling_facts(user, row),
            request_facts(user, row),
            *(signal_facts(decision) if decision else []),
        ]


def handling_facts(user: Any, row: LoanRequest) -> list[Panel]:
    """The work item and the notice of a request that has them."""
    item = ReviewItem.objects.filter(loan_request=row).first()
    notice = Notice.objects.filter(decision__loan_request=row).first()
    rows = [
        ("Review", item and row_link(user, ReviewItem, item.pk, item.status)),
        ("Notice", notice and row_link(user, Notice, notice.pk, notice.subject)),
    ]
    return [Facts(title="Handling", side=True, rows=rows)] if item or notice else []


@admin.register(Borrower)
class BorrowerAdmin(ReadOnlyAdmin):
    icon, entity_type = "person", "borrower"
    list_display = ["borrower", "user", "customer_since", moment_column("created_at", "Created")]
    list_select_related = ["user"]
    ordering = ["-created_at", "-id"]
    search_fields = ["id", "external_ref"]
    search_help_text = "Exact id or reference"

    @display(description="Borrower", header=True)
    def borrower(self, row: Borrower) -> list[str]:
        return [str(row), str(row.pk)]

    def panels(self, request: HttpRequest, row: Borrower) -> list[Panel]:
        user = request.user
        return [
            requests_panel(user, row),
            loans_panel(user, row),
            *work_panel(user, Task.objects.filter(subject_type="borrower", subject_id=str(row.pk))),
            *trail_panel(user, "borrower", row.pk),
            Facts(
                title=str(row),
                side=True,
                rows=[
                    ("User", row_link(user, type(row.user), row.user_id, row.user)),
                    ("Reference", row.external_ref),
                    ("Born", row.birth_date),
                    ("Customer since", row.customer_since),
                    ("Second holder", {True: "yes", False: "no", None: "not known"}[row.second_holder]),
                    ("Created", when(row.created_at)),
                    ("Id", code(row.pk)),
                ],
            ),
        ]


@admin.register(Loan)
class LoanAdmin(ReadOnlyAdmin):
    icon, entity_type = "payments", "loan"
    list_display = ["external_ref", "borrower", "amount", "term_months", "went", "granted_date"]
    list_filter = ["outcome"]
    list_select_related = ["borrower"]
    search_fields = ["external_ref"]
    search_help_text = "Exact reference"

    @display(description="How it went")
    def went(self, row: Loan) -> str:
        return badge(row.get_outcome_display(), LOANS[Loan.Outcome(row.outcome)])

    def panels(self, request: HttpRequest, row: Loan) -> list[Panel]:
        rows = [
            ("Borrower", row_link(request.user, Borrower, row.borrower_id, row.borrower)),
            ("How it went", self.went(row)),
            ("Amount", f"{row.amount:,.2f}"),
            ("Monthly payment", f"{row.monthly_payment:,.2f}"),
            ("Term", f"{row.term_months} months"),
            ("Granted", row.granted_date),
        ]
        return [Facts(title=row.external_ref, rows=rows), *instalments_panel(row)]
