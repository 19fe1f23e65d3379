"""Decide a case: the same code for a request, its replay, a trial and a challenger. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from loans import rules
from loans.inputs import Application, card_inputs
from loans.policy.anomaly import Anomaly, found_odd
from loans.policy.fraud import Facts, FraudVerdict, judge_fraud
from loans.scorecard import APPLICATION, Scorecard, Scored

# Of a decision's results. The first told no points lost and no evidence; up to the second, points that a sufficient
# score lacked were reasons too.
FIRST_SHAPE, SECOND_SHAPE, SHAPE = 1, 2, 3


@dataclass(frozen=True, slots=True)
class Case:
    """Everything a decision is made from. features: without the sets of which the borrower has none."""

    asked_date: date | None  # not kept with the first decisions
    application: Application
    features: Mapping[str, Any]
    features_as_of: Mapping[str, str]
    facts: Facts

    def as_dict(self) -> dict[str, Any]:
        return {
            "asked_date": self.asked_date and self.asked_date.isoformat(),
            "application": asdict(self.application),
            "features": dict(self.features),
            "features_as_of": dict(self.features_as_of),
            "fraud_facts": self.facts.as_dict(),
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Case:
        asked_date = stored.get("asked_date")
        return cls(
            asked_date=date.fromisoformat(asked_date) if asked_date else None,
            application=Application(**stored["application"]),
            features=stored["features"],
            features_as_of=stored["features_as_of"],
            facts=Facts.from_dict(stored["fraud_facts"]),
        )


@dataclass(frozen=True, slots=True)
class Means:
    """What a policy decides with: the policy and the artifacts that it names."""

    policy: rules.Policy
    card: Scorecard
    anomaly: Anomaly | None = None

    @property
    def name(self) -> str:
        parts = [f"scorecard-{self.card.version}", f"fraud-rules-{self.policy.rule_set.version}"]
        if self.anomaly:
            parts.append(f"anomaly-{self.anomaly.version}")
        return "+".join([*parts, f"policy-{self.policy.version}"])

    def as_dict(self) -> dict[str, Any]:
        """What a decision keeps, so that it can be made again."""
        return {
            "shape": SHAPE,
            "scorecard_sha256": self.card.sha256,
            "anomaly_sha256": self.anomaly.sha256 if self.anomaly else None,
            "policy": self.policy.as_dict(),
        }


@dataclass(frozen=True, slots=True)
class Judged:
    """What the card, the fraud rules and the policy say of a case."""

    scored: Scored
    fraud: FraudVerdict
    verdict: rules.Verdict


def judge(case: Case, means: Means, shape: int = SHAPE) -> Judged:
    policy = means.policy
    scored = means.card.score(card_inputs(case.application, case.features))
    oddity = means.anomaly.score(case.features) if means.anomaly else None
    odd = found_odd(oddity, limit=policy.anomaly_from, weight=policy.anomaly_weight)
    fraud = judge_fraud(case.facts, policy.rule_set, odd)
    amount, always = case.facts.requested_amount, shape <= SECOND_SHAPE
    return Judged(scored, fraud, rules.decide(scored, fraud, policy, amount, score_is_always_a_reason=always))


def decide_case(case: Case, means: Means, shape: int = SHAPE) -> dict[str, Any]:
    """The results of a decision, by the names of their columns. shape: of a stored one that is made again."""
    judged = judge(case, means, shape)
    scored, fraud, verdict = judged.scored, judged.fraud, judged.verdict
    return {
        "outcome": verdict.outcome,
        "reasons": list(verdict.reasons),
        "adverse_reasons": [asdict(reason) for reason in verdict.adverse_reasons],
        "base_credit_score": scored.base_credit_score,
        "trust_score": round(scored.trust_score, 4),
        "trust_boost": float(scored.trust_boost),
        "final_credit_score": scored.final_credit_score,
        "default_probability": scored.probability_of_default,
        "fraud_score": fraud.score,
        "fraud_flags": list(fraud.flags),
        "fraud_evidence": list(fraud.evidence),
        "risk_level": verdict.risk_level,
        "flag_risk": verdict.flag_risk,
        "policy_version": means.policy.version,
        "model_version": means.name,
        "explanation": explain(scored, verdict, case.features_as_of),
    }


def explain(scored: Scored, verdict: rules.Verdict, features_as_of: Mapping[str, str]) -> dict[str, Any]:
    """What a person needs to follow the decision: the card's lines, the reasons, and the features' age."""
    explanation: dict[str, Any] = {
        "card": scored.card,
        "probability_of_default": round(scored.probability_of_default, 4),
        "points": [
            {"name": line.name, "part": line.part, "value": line.value, "points": line.points, "lost": line.lost}
            for line in scored.lines
        ],
        "adverse_reasons": [asdict(reason) for reason in verdict.adverse_reasons],
        "features_as_of": dict(features_as_of),
    }
    if scored.card == APPLICATION:
        explanation["note"] = "No features were available; the application-only card was used."
    return explanation
