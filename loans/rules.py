"""How a request is decided: fraud rules, policy and the words of both. Pure: dataclass in, dataclass out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

from loans.scorecard import APPLICATION, PrincipalReason, Reason, Scored

APPROVED, REVIEW, DECLINED = "approved", "review", "declined"
MAX_REASONS = 4


@dataclass(frozen=True, slots=True)
class FraudFacts:
    """What is known about a request besides the score. Counts leave out the request itself."""

    requests_1h: int
    requests_24h: int
    other_borrowers_on_ip_1h: int
    account_age_days: float
    requested_amount: Decimal
    largest_past_amount: Decimal | None


@dataclass(frozen=True, slots=True)
class FraudLimits:
    """Limits of the fraud rules. Amounts in the lender's currency."""

    requests_1h: int = 3
    requests_24h: int = 6
    borrowers_on_ip_1h: int = 4
    amount_over_past: Decimal = Decimal(10)
    new_account_days: float = 1.0
    new_account_amount: Decimal = Decimal(100_000)


@dataclass(frozen=True, slots=True)
class FraudRule:
    """A flag and how much it alone speaks for fraud, 0–1. `reason` is what a borrower may be told."""

    flag: str
    weight: float
    reason: Reason


RECENT_REQUESTS = Reason("F01", "Number of recent credit applications")
UNVERIFIED = Reason("F02", "Unable to verify application information")
AMOUNT_HISTORY = Reason("F03", "Amount requested is out of proportion to past borrowing")
NEW_CUSTOMER = Reason("F04", "Length of relationship is too short for the amount requested")

RULES = (
    FraudRule("velocity_borrower_1h", 0.65, RECENT_REQUESTS),
    FraudRule("velocity_borrower_24h", 0.45, RECENT_REQUESTS),
    FraudRule("velocity_ip_1h", 0.60, UNVERIFIED),
    FraudRule("amount_over_history", 0.35, AMOUNT_HISTORY),
    FraudRule("new_account_large_amount", 0.35, NEW_CUSTOMER),
)


@dataclass(frozen=True, slots=True)
class FraudVerdict:
    """score: 0–1, the flags' weights taken as independent; 0 without flags."""

    score: float
    flags: tuple[str, ...]
    reasons: tuple[Reason, ...]


def judge_fraud(facts: FraudFacts, limits: FraudLimits) -> FraudVerdict:
    past = facts.largest_past_amount
    raised = {
        "velocity_borrower_1h": facts.requests_1h >= limits.requests_1h,
        "velocity_borrower_24h": facts.requests_24h >= limits.requests_24h,
        "velocity_ip_1h": facts.other_borrowers_on_ip_1h >= limits.borrowers_on_ip_1h,
        "amount_over_history": past is not None and facts.requested_amount > limits.amount_over_past * past,
        "new_account_large_amount": facts.account_age_days < limits.new_account_days
        and facts.requested_amount > limits.new_account_amount,
    }
    hit = [rule for rule in RULES if raised[rule.flag]]
    innocent = 1.0
    for rule in hit:
        innocent *= 1 - rule.weight
    return FraudVerdict(
        score=round(1 - innocent, 4),
        flags=tuple(rule.flag for rule in hit),
        reasons=tuple(dict.fromkeys(rule.reason for rule in hit)),
    )


@dataclass(frozen=True, slots=True)
class Policy:
    """What scores lead to what. Scores 0–100, fraud and default probabilities 0–1."""

    version: str = "1.0"
    approve_from: int = 70
    approve_from_application: int = 75  # without behaviour: 70 would fall on a bin with 9 % bad loans
    review_from: int = 50
    fraud_review_from: float = 0.60
    low_risk_below: float = 0.05
    high_risk_from: float = 0.15
    limits: FraudLimits = field(default_factory=FraudLimits)

    def as_dict(self) -> dict[str, Any]:
        """JSON, kept with each decision so that it can be made again."""
        return asdict(self) | {
            "limits": {key: str(value) if isinstance(value, Decimal) else value for key, value in
                       asdict(self.limits).items()}
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class AdverseReason:
    """A principal reason against the borrower. rank: from 1, most important first.

    points_lost: against the best a borrower can have; None for a reason that is not the scorecard's.
    """

    code: str
    text: str
    rank: int
    points_lost: int | None


@dataclass(frozen=True, slots=True)
class Verdict:
    outcome: str
    reasons: tuple[str, ...]
    adverse_reasons: tuple[AdverseReason, ...]
    risk_level: str
    flag_risk: bool


def decide(scored: Scored, fraud: FraudVerdict, policy: Policy) -> Verdict:
    """Approve, hand to a person, or decline with one to four principal reasons.

    Source of the reasons' form: 12 CFR 1002.9(b)(2), specific principal reasons for adverse action.
    """
    score = scored.final_credit_score
    approve_from = policy.approve_from_application if scored.card == APPLICATION else policy.approve_from
    sentences = []
    if score >= approve_from:
        outcome = APPROVED
        sentences.append(f"Credit score meets approval threshold ({score} >= {approve_from})")
    elif score >= policy.review_from:
        outcome = REVIEW
        sentences.append(f"Credit score needs a manual review ({policy.review_from} <= {score} < {approve_from})")
    else:
        outcome = DECLINED
        sentences.append(f"Credit score is below the review threshold ({score} < {policy.review_from})")
    if fraud.score >= policy.fraud_review_from:
        outcome = REVIEW if outcome == APPROVED else outcome
        sentences.append(f"Fraud risk is high ({fraud.score:.2f} >= {policy.fraud_review_from:.2f})")
    else:
        sentences.append(f"Fraud risk is low ({fraud.score:.2f} < {policy.fraud_review_from:.2f})")
    probability = scored.probability_of_default
    if probability < policy.low_risk_below:
        risk = "low"
    else:
        risk = "high" if probability >= policy.high_risk_from else "medium"
    return Verdict(
        outcome=outcome,
        reasons=tuple(sentences),
        adverse_reasons=() if outcome == APPROVED else principal_reasons(scored.reasons, fraud, policy),
        risk_level=risk,
        flag_risk=risk == "high" or fraud.score >= policy.fraud_review_from,
    )


def principal_reasons(
    scored: Sequence[PrincipalReason], fraud: FraudVerdict, policy: Policy
) -> tuple[AdverseReason, ...]:
    """Fraud findings lead when they led the outcome; then what cost the most points. At most four."""
    leading = fraud.reasons if fraud.score >= policy.fraud_review_from else ()
    found = [(one.code, one.text, None) for one in leading] + [(one.code, one.text, one.points_lost) for one in scored]
    return tuple(
        AdverseReason(code, text, rank, points)
        for rank, (code, text, points) in enumerate(found[:MAX_REASONS], start=1)
    )
