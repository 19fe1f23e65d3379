"""How a request is decided from score, fraud and policy, and the words of it. Pure: dataclass in, dataclass out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from loans.policy.fraud import FraudVerdict, RuleSet
from loans.scorecard import APPLICATION, PrincipalReason, Reason, Scored

APPROVED, REVIEW, DECLINED = "approved", "review", "declined"
MAX_REASONS = 4
LARGE_AMOUNT = Reason("A05", "Amount of credit requested")


@dataclass(frozen=True, slots=True)
class Policy:
    """What scores lead to what. Scores 0–100, fraud and default probabilities 0–1.

    max_amount: what is decided without a person, in the lender's currency; None for any. scorecard, anomaly: versions
    of published artifacts; an empty name is the current scorecard, and no anomaly score.
    """

    version: str
    approve_from: int
    approve_from_application: int
    review_from: int
    fraud_review_from: float
    low_risk_below: float
    high_risk_from: float
    rule_set: RuleSet
    max_amount: Decimal | None = None
    scorecard: str = ""
    anomaly: str = ""
    anomaly_from: float = 1.0
    anomaly_weight: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """The thresholds as JSON, kept with each decision for people; versions say which rows they were."""
        return {
            "version": self.version,
            "approve_from": self.approve_from,
            "approve_from_application": self.approve_from_application,
            "review_from": self.review_from,
            "fraud_review_from": self.fraud_review_from,
            "low_risk_below": self.low_risk_below,
            "high_risk_from": self.high_risk_from,
            "max_amount": None if self.max_amount is None else str(self.max_amount),
            "rule_set": self.rule_set.version,
            "anomaly": self.anomaly,
        }


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


def decide(
    scored: Scored, fraud: FraudVerdict, policy: Policy, amount: Decimal, *, score_is_always_a_reason: bool = False
) -> Verdict:
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
    suspect = fraud.score >= policy.fraud_review_from
    if suspect:
        sentences.append(f"Fraud risk is high ({fraud.score:.2f} >= {policy.fraud_review_from:.2f})")
    else:
        sentences.append(f"Fraud risk is low ({fraud.score:.2f} < {policy.fraud_review_from:.2f})")
    large = policy.max_amount is not None and amount > policy.max_amount
    if large:
        sentences.append(f"Amount needs a manual review ({amount:.2f} > {policy.max_amount:.2f})")
    if outcome == APPROVED and (suspect or large):
        outcome = REVIEW
    leading = [*(fraud.reasons if suspect else ()), *([LARGE_AMOUNT] if large else [])]
    enough = score >= approve_from and not score_is_always_a_reason  # a score that was enough is no reason
    risk = risk_level(scored.probability_of_default, policy)
    return Verdict(
        outcome=outcome,
        reasons=tuple(sentences),
        adverse_reasons=() if outcome == APPROVED else principal_reasons(leading, () if enough else scored.reasons),
        risk_level=risk,
        flag_risk=risk == "high" or suspect,
    )


def risk_level(probability: float, policy: Policy) -> str:
    if probability < policy.low_risk_below:
        return "low"
    return "high" if probability >= policy.high_risk_from else "medium"


def principal_reasons(leading: Sequence[Reason], scored: Sequence[PrincipalReason]) -> tuple[AdverseReason, ...]:
    """What led the outcome besides the score, then what cost the most points. At most four, and never none."""
    found = [(one.code, one.text, None) for one in leading] + [(one.code, one.text, one.points_lost) for one in scored]
    found = found or [(LARGE_AMOUNT.code, LARGE_AMOUNT.text, None)]  # not a point was lost, and still it is too much
    return tuple(
        AdverseReason(code, text, rank, points)
        for rank, (code, text, points) in enumerate(found[:MAX_REASONS], start=1)
    )
