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
from base.panels import BAD, BUSY, GOOD, IDLE, WARN, Facts, Panel, Table, Text, badge, code, when
from loans.models import Borrower, CreditDecision, Loan, LoanRequest, Notice, ReviewItem
from loans.notices.admin import NoticeAdmin
from loans.policy.panels import evidence_panel
from loans.repayment.admin import instalments_panel
from loans.review.admin import ReviewItemAdmin, decisions_panel
from tasks.models import Task
from tasks.panels import work_panel

__all__ = ["BorrowerAdmin", "LoanAdmin", "LoanRequestAdmin", "NoticeAdmin", "ReviewItemAdmin"]
OUTCOMES = {
    CreditDecision.Outcome.APPROVED: GOOD,
    CreditDecision.Outcome.REVIEW: WARN,
    CreditDecision.Outcome.DECLINED: BAD,
}
STATES = {
    LoanRequest.Status.APPROVED: GOOD,
    LoanRequest.Status.PENDING: WARN,
    LoanRequest.Status.DECLINED: BAD,
}
LOANS = {
    Loan.Outcome.REPAID: GOOD,
    Loan.Outcome.DEFAULTED: BAD,
    Loan.Outcome.RUNNING: BUSY,
    Loan.Outcome.IN_DEBT: WARN,
}
RISKS = {"low": GOOD, "medium": WARN, "high": BAD}


def newest(request: LoanRequest) -> CreditDecision | None:
    return max(request.decisions.all(), key=lambda decision: decision.number, default=None)


def state_badge(request: LoanRequest) -> str:
    return badge(request.status, STATES[LoanRequest.Status(request.status)])


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


def request_facts(user: Any, row: LoanRequest) -> Facts:
    return Facts(
        title="Request",
        side=True,
        rows=[
            ("State", state_badge(row)),
            ("Amount", f"{row.requested_amount:,.2f}"),
            ("Purpose", row.purpose),
            ("Term", f"{row.term_months} months"),
            ("Borrower", row_link(user, Borrower, row.borrower_id, row.borrower)),
            ("Asked at", when(row.created_at)),
            ("Address", row.ip),
            ("Id", code(row.pk)),
        ],
    )


def signal_facts(decision: CreditDecision) -> list[Panel]:
    return [
        Facts(
            title="Signals",
            side=True,
            rows=[
                ("Score", f"{decision.final_credit_score} = {decision.base_credit_score} base "
                          f"{decision.trust_boost:+g} trust"),
                ("Trust score", decision.trust_score),
                ("Default risk", f"{100 * decision.default_probability:.2f} %"),
                ("Risk level", badge(decision.risk_level, RISKS.get(decision.risk_level, IDLE))),
                ("Fraud score", f"{decision.fraud_score:.2f}"),
                ("Fraud flags", ", ".join(decision.fraud_flags)),
                ("Card", decision.explanation.get("card")),
            ],
        ),
        thresholds_panel(decision),
    ]  # fmt: skip


def thresholds_panel(decision: CreditDecision) -> Facts:
    """The policy as it was when the decision was made."""
    policy = decision.inputs.get("policy", {})
    limits = policy.get("limits", {})
    rows = [(key, value) for key, value in policy.items() if key != "limits"]
    return Facts(
        title="Policy thresholds",
        side=True,
        rows=[(key.replace("_", " ").capitalize(), value) for key, value in [*rows, *limits.items()]],
    )


def decision_panels(decision: CreditDecision) -> list[Panel]:
    tone = OUTCOMES[CreditDecision.Outcome(decision.outcome)]
    reasons = [(r["rank"], code(r["code"]), r["text"], r.get("points_lost")) for r in decision.adverse_reasons]
    return [
        Table(
            title=f"Decision {decision.number}: {decision.outcome} with {decision.final_credit_score} points",
            headers=["Because"],
            rows=[(reason,) for reason in decision.reasons] + [(note,) for note in notes(decision)],
        ),
        Table(
            title="Principal reasons against the borrower",
            headers=["Rank", "Code", "Reason", "Points lost"],
            rows=reasons,
            empty="None: the request was approved.",
        )
        if reasons or tone != GOOD
        else Text(title="Principal reasons against the borrower", text="None: the request was approved.", code=False),
        points_panel(decision),
        features_panel(decision),
    ]


def notes(decision: CreditDecision) -> list[str]:
    made_by = f"Made by {decision.model_version}."
    return [note for note in (decision.explanation.get("note"), made_by) if note]


def points_panel(decision: CreditDecision) -> Table:
    rows = [
        (line["name"], line["part"], "missing" if line["value"] is None else f"{line['value']:,.6g}",
         line["points"], badge(line["lost"], BAD if line["lost"] else GOOD))
        for line in decision.explanation.get("points", [])
    ]  # fmt: skip
    headers = ["Characteristic", "Part", "Value", "Points", "Lost"]
    return Table(title="Points of each characteristic", headers=headers, rows=rows)


def features_panel(decision: CreditDecision) -> Table:
    inputs = decision.inputs
    as_of = ", ".join(f"{label} as of {at[:19].replace('T', ' ')}" for label, at in inputs["features_as_of"].items())
    rows = [
        (code(name), "none" if value is None else f"{value:,.6g}") for name, value in inputs.get("features", {}).items()
    ]
    title = f"Features it used: {as_of}" if as_of else "Features it used"
    return Table(title=title, headers=["Feature", "Value"], rows=rows, empty="None were known at that moment.")


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


def requests_panel(user: Any, borrower: Borrower) -> Table:
    rows = [
        (
            when(r.created_at),
            row_link(user, LoanRequest, r.pk, r),
            badge(r.status, STATES[LoanRequest.Status(r.status)]),
        )
        for r in borrower.requests.all()[:20]
    ]
    return Table(title="Requests", headers=["Asked at", "Request", "State"], rows=rows)


def loans_panel(user: Any, borrower: Borrower) -> Table:
    rows = [
        (row_link(user, Loan, loan.pk, loan), loan.granted_date, f"{loan.amount:,.2f}", f"{loan.term_months} months",
         badge(loan.get_outcome_display(), LOANS[Loan.Outcome(loan.outcome)]))
        for loan in borrower.loans.all()[:20]
    ]  # fmt: skip
    return Table(title="Past loans", headers=["Loan", "Granted", "Amount", "Term", "How it went"], rows=rows)


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
