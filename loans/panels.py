"""What the console shows of a request and its decision: the sum, the reasons, the points, and who asks."""

from __future__ import annotations

from typing import Any

from base.links import row_link
from base.panels import BAD, BUSY, GOOD, IDLE, WARN, Facts, Panel, Table, Text, badge, code, when
from loans.models import Borrower, CreditDecision, Loan, LoanRequest

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
