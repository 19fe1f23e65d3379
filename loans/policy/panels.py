"""What the console shows of policies: thresholds, rules, trials, and how a challenger compares."""

from __future__ import annotations

from typing import Any

from django.utils.html import format_html

from base.links import row_link
from base.panels import BAD, BUSY, GOOD, IDLE, WARN, Facts, Panel, Table, badge, code, when
from loans.models import CreditDecision, FraudRule, LoanRequest, PolicyTrial, PolicyVersion, ShadowDecision
from loans.policy import wording
from loans.policy.shadow import compared

STATES = {"draft": IDLE, "tried": BUSY, "approved": WARN, "active": GOOD, "retired": IDLE}
OUTCOMES = {"approved": GOOD, "review": WARN, "declined": BAD}
FLIPS_SHOWN = 50


def outcome_badge(outcome: str) -> str:
    return badge(outcome, OUTCOMES.get(outcome, IDLE))


def thresholds(row: PolicyVersion) -> dict[str, Any]:
    return {
        "Approve from": row.approve_from,
        "Approve from, application alone": row.approve_from_application,
        "Review from": row.review_from,
        "Review for fraud from": row.fraud_review_from,
        "Low risk below": row.low_risk_below,
        "High risk from": row.high_risk_from,
        "Without a person up to": "any amount" if row.max_amount is None else f"{row.max_amount:,.2f}",
        "Scorecard": row.scorecard or "the current one",
        "Anomaly score": row.anomaly or "none",
        "Anomaly flag from": row.anomaly_from if row.anomaly else "",
        "Anomaly weight": row.anomaly_weight if row.anomaly else "",
    }


def threshold_panel(row: PolicyVersion) -> Facts:
    return Facts(title="Thresholds", rows=list(thresholds(row).items()))


def change_panel(row: PolicyVersion) -> list[Panel]:
    """What would change if it became active: what a second person has to read."""
    active = PolicyVersion.objects.select_related("rule_set").filter(status="active").first()
    if active is None or active.pk == row.pk:
        return []
    before, after = thresholds(active) | rules_in_words(active), thresholds(row) | rules_in_words(row)
    changed = [
        (name, before.get(name, "–"), after.get(name, "–"))
        for name in dict.fromkeys([*before, *after])
        if before.get(name) != after.get(name)
    ]
    title = f"What is different from {active.version}, which is active"
    return [Table(title=title, headers=["What", active.version, row.version], rows=changed, empty="Nothing.")]


def said(rule: FraudRule) -> str:
    return wording.said(rule.kind, rule.limits)


def rules_in_words(row: PolicyVersion) -> dict[str, str]:
    return {
        one.name: f"{said(one)}; weight {one.weight:g}; {one.reason_code} {one.reason_text}"
        + ("" if one.enabled else "; off")
        for one in row.rule_set.rules.all()
    }


def rules_panel(row: PolicyVersion) -> Table:
    rows = [
        (
            format_html("{} {}<br>{}", code(one.name), "" if one.enabled else badge("off"), said(one)),
            one.weight,
            f"{one.reason_code} {one.reason_text}",
        )
        for one in row.rule_set.rules.all()
    ]
    headers = ["Flag, and what raises it", "Weight", "What the borrower may be told"]
    return Table(title=str(row.rule_set).capitalize(), headers=headers, rows=rows, empty="No rule.")


def life_panel(user: Any, row: PolicyVersion) -> Facts:
    def person(who: Any) -> Any:
        return row_link(user, type(who), who.pk, who) if who else ""

    return Facts(
        title=f"Policy {row.version}",
        side=True,
        rows=[
            ("State", badge(row.status, STATES[row.status])),
            ("Challenger since", when(row.challenger_since) if row.is_challenger else ""),
            ("Written by", person(row.author) or "came with the code"),
            ("Why", row.note),
            ("Written", when(row.created_at)),
            ("Tried", when(row.tried_at)),
            ("Approved by", person(row.approved_by)),
            ("Approved", when(row.approved_at)),
            ("Active since", when(row.activated_at)),
            ("Retired", when(row.retired_at)),
        ],
    )


def trial_panels(user: Any, row: PolicyVersion) -> list[Panel]:
    """The newest trial in figures, and a list of all."""
    trials = list(row.trials.select_related("asked_by")[:10])
    if not trials:
        return [Table(title="Trials", headers=[], rows=[], empty="Not tried yet: only a tried policy can be approved.")]
    older = [
        (row_link(user, PolicyTrial, one.pk, when(one.created_at)), one.report["tried"]["requests"],
         sum(move["requests"] for move in one.report["moves"]), one.asked_by or "a command")
        for one in trials
    ]  # fmt: skip
    listed = Table(title="Trials", headers=["At", "Requests", "Flips", "Asked by"], rows=older)
    return [*report_panels(trials[0]), listed]


def report_panels(trial: PolicyTrial) -> list[Panel]:
    report = trial.report
    parts = [("All", report), *((name, one) for name, one in report["by_card"].items())]
    figures = [(f"{name}: {one['tried']['requests']:,}", *figures_of(one)) for name, one in parts]
    headers = ["Card: requests", "Approved %", "Review %", "Declined %", "Amount", "Expected loss"]
    before, after = report["decided"], report["tried"]
    reasons = [
        (reason, before["reasons"].get(reason, 0), after["reasons"].get(reason, 0))
        for reason in sorted({*before["reasons"], *after["reasons"]})
    ]
    flags = [
        (code(flag), before["flags"].get(flag, 0), after["flags"].get(flag, 0))
        for flag in sorted({*before["flags"], *after["flags"]})
    ]
    moves = [(outcome_badge(m["from"]), outcome_badge(m["to"]), m["requests"]) for m in report["moves"]]
    loss = f"{100 * trial.loss_given_default:g} % of an amount lost at default"
    return [
        Table(title=f"What it would have done ({loss})", headers=headers, rows=figures),
        Table(title="Who flips", width=6, headers=["From", "To", "Requests"], rows=moves, empty="Nobody."),
        Table(title="Fraud flags", width=6, headers=["Flag", "Decided", "Tried"], rows=flags),
        Table(title="Principal reasons", headers=["Reason", "Decided", "Tried"], rows=reasons),
    ]


def flips_panel(user: Any, trial: PolicyTrial) -> Table:
    rows = [
        (row_link(user, LoanRequest, one["request"]), outcome_badge(one["from"]), outcome_badge(one["to"]))
        for one in trial.flips[:FLIPS_SHOWN]
    ]
    title = f"Requests that flip ({len(rows)} of {len(trial.flips):,} kept)"
    return Table(title=title, headers=["Request", "From", "To"], rows=rows, empty="None.")


def challenger_panels(user: Any, row: PolicyVersion) -> list[Panel]:
    """How a policy that challenges, or once did, compares with what was decided."""
    if row.challenger_since is None:
        return []
    figures = compared(row)
    flips = ShadowDecision.objects.filter(policy=row, agrees=False).select_related("decision").order_by("-id")
    shown = [
        (row_link(user, LoanRequest, one.decision.loan_request_id), when(one.asked_at),
         outcome_badge(one.decision.outcome), outcome_badge(one.outcome), one.decision.final_credit_score,
         one.final_credit_score, ", ".join(one.fraud_flags))
        for one in flips[:FLIPS_SHOWN]
    ]  # fmt: skip
    moves = [(f"{m['from']} → {m['to']}", f"{m['requests']:,}") for m in figures["moves"]]
    agreement = share(figures["agreement"])
    facts = [("Requests", f"{figures['requests']:,}"), ("Agrees", agreement), *moves]
    return [
        Facts(title="In shadow", rows=facts),
        Table(
            title="Newest requests on which it disagrees",
            headers=["Request", "Asked at", "Decided", "In shadow", "Score", "In shadow", "Flags in shadow"],
            rows=shown,
        ),
    ]


def evidence_panel(user: Any, decision: CreditDecision) -> list[Panel]:
    """What raised each fraud flag, for reviewers alone."""
    if not decision.fraud_evidence or not user.has_perm("loans.see_fraud_evidence"):
        return []
    rows = [
        (code(one["flag"]), wording.found_in_words(one["found"]), wording.said(one["kind"], one["limits"]),
         one["weight"])
        for one in decision.fraud_evidence
    ]  # fmt: skip
    unlike = [
        (code(part["feature"]), f"{part['value']:,.6g}", f"{part['spreads']:+.1f}", share(part["share"]))
        for one in decision.fraud_evidence
        for part in one.get("features", [])
    ]
    headers = ["Feature", "Value", "Spreads from the median", "Part of the distance"]
    return [
        Table(title="Fraud evidence, for staff alone", headers=["Flag", "Found", "Raised by", "Weight"], rows=rows),
        *([Table(title="What is unlike other borrowers", headers=headers, rows=unlike)] if unlike else []),
    ]


def figures_of(part: dict[str, Any]) -> list[str]:
    """Each as it was decided and as it was tried; once where they are the same."""
    sides = [
        [
            *("" if side["rates"][outcome] is None else f"{100 * side['rates'][outcome]:.1f}" for outcome in OUTCOMES),
            f"{float(side['approved_amount']):,.0f}",
            f"{side['expected_loss']:,.0f}",
        ]
        for side in (part["decided"], part["tried"])
    ]
    return [after if before == after else f"{before} → {after}" for before, after in zip(*sides, strict=True)]


def share(number: float | None) -> str:
    return "" if number is None else f"{100 * number:.1f} %"
