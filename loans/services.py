"""Ask for a loan: profile, score, fraud, policy, stored with its audit rows and the feature task, or not at all."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from audit.services import log_audit_event
from base import context
from features.services import Served, request_features, stored_sets
from loans import rules
from loans.features import AccountConduct, CashFlow, CoreBehavioral
from loans.inputs import Application, card_inputs
from loans.models import Borrower, CreditDecision, LoanRequest
from loans.published import scorecard
from loans.scorecard import APPLICATION, Scored

logger = logging.getLogger(__name__)
POLICY = rules.Policy()
FRAUD_MODEL = "fraud-rules-1.0"


@dataclass(frozen=True, slots=True)
class Answer:
    """A stored request with its decision; `task_id` is None when the feature task could not be stored."""

    request: LoanRequest
    decision: CreditDecision
    task_id: str | None


@transaction.atomic
def request_loan(*, user: Any, requested_amount: Decimal, purpose: str, term_months: int) -> Answer:
    """Decide a request at once and let the borrower's features be brought up to date behind it."""
    borrower = _borrower(user)
    features = known_features(borrower)
    application = application_of(borrower, requested_amount, term_months)
    scored = scorecard().score(card_inputs(application, features.values))
    facts = fraud_facts(borrower, requested_amount)
    fraud = rules.judge_fraud(facts, POLICY.limits)
    verdict = rules.decide(scored, fraud, POLICY)
    request = LoanRequest.objects.create(
        borrower=borrower,
        requested_amount=requested_amount,
        purpose=purpose,
        term_months=term_months,
        status=STATUS[verdict.outcome],
        ip=context.current().ip,
    )
    decision = CreditDecision.objects.create(
        loan_request=request,
        outcome=verdict.outcome,
        reasons=list(verdict.reasons),
        adverse_reasons=[asdict(reason) for reason in verdict.adverse_reasons],
        base_credit_score=scored.base_credit_score,
        trust_score=round(scored.trust_score, 4),
        trust_boost=scored.trust_boost,
        final_credit_score=scored.final_credit_score,
        default_probability=scored.probability_of_default,
        fraud_score=fraud.score,
        fraud_flags=list(fraud.flags),
        risk_level=verdict.risk_level,
        flag_risk=verdict.flag_risk,
        policy_version=POLICY.version,
        model_version=f"scorecard-{scored.version}+{FRAUD_MODEL}+policy-{POLICY.version}",
        explanation=explain(scored, verdict, features),
        inputs=_inputs(application, features, facts),
    )
    log_audit_event(
        "credit_decision_made",
        "loan_request",
        request.id,
        {"outcome": verdict.outcome, "score": scored.final_credit_score, "decision_id": str(decision.id)},
    )
    return Answer(request, decision, trigger_feature_computation(borrower, request))


STATUS = {
    rules.APPROVED: LoanRequest.Status.APPROVED,
    rules.REVIEW: LoanRequest.Status.PENDING,
    rules.DECLINED: LoanRequest.Status.DECLINED,
}


def application_of(borrower: Borrower, requested_amount: Decimal, term_months: int) -> Application:
    since = borrower.customer_since
    days = None if since is None else (timezone.now().date() - since).days
    return Application(float(requested_amount), term_months, borrower.second_holder, days)


def _borrower(user: Any) -> Borrower:
    """The user's borrower profile, made on the first request. Locked, so velocity limits hold under concurrency."""
    borrowers = Borrower.objects.select_for_update()
    found = borrowers.filter(user=user).first()
    if found is None:
        Borrower.objects.bulk_create([Borrower(user=user)], ignore_conflicts=True)
        found = borrowers.get(user=user)
    return found


def trigger_feature_computation(borrower: Borrower, request: LoanRequest) -> str | None:
    """Store the feature task with the request. If that fails the loan goes on, and the audit trail says so."""
    metadata = {
        "borrower_id": str(borrower.id),
        "feature_set": CoreBehavioral.name,
        "feature_version": CoreBehavioral.version,
    }
    try:
        with transaction.atomic():
            task_id = request_features(
                entity_type="borrower",
                entity_id=str(borrower.id),
                feature_set=CoreBehavioral.name,
                feature_version=CoreBehavioral.version,
            )
    except (DatabaseError, RuntimeError) as error:
        logger.exception("the feature task could not be stored; the loan goes on")
        log_audit_event(
            "background_feature_computation_failed",
            "loan_request",
            request.id,
            metadata | {"error": type(error).__name__},
            status="failure",
        )
        return None
    log_audit_event(
        "background_feature_computation_triggered",
        "loan_request",
        request.id,
        metadata | {"task_id": task_id, "trigger_timestamp": timezone.now().isoformat()},
    )
    return task_id


@dataclass(frozen=True, slots=True)
class KnownFeatures:
    """Stored features by name, without the sets a borrower has none of; `rows` says where they came from."""

    values: dict[str, Any]
    rows: dict[str, Served]


def known_features(borrower: Borrower) -> KnownFeatures:
    values: dict[str, Any] = {}
    rows = {}
    for feature_set, row in stored_sets([CoreBehavioral, AccountConduct, CashFlow], str(borrower.id)).items():
        values |= {name: None if v is None else float(v) for name, v in row.values().items()}
        rows[feature_set.label()] = row
    return KnownFeatures(values, rows)


FACTS = """
SELECT count(*) FILTER (WHERE borrower_id = %(borrower)s AND created_at > now() - interval '1 hour'),
       count(*) FILTER (WHERE borrower_id = %(borrower)s),
       count(DISTINCT borrower_id) FILTER (WHERE borrower_id <> %(borrower)s
                                           AND created_at > now() - interval '1 hour'),
       greatest((SELECT max(amount) FROM loans_loan WHERE borrower_id = %(borrower)s),
                (SELECT max(requested_amount) FROM loans_loanrequest WHERE borrower_id = %(borrower)s
                 AND status = 'approved'))
FROM loans_loanrequest
WHERE created_at > now() - interval '24 hours' AND (borrower_id = %(borrower)s OR ip = %(ip)s)
"""


def fraud_facts(borrower: Borrower, requested_amount: Decimal) -> rules.FraudFacts:
    """Velocity and history in one query; the request at hand is not stored yet and so not counted."""
    with connection.cursor() as cursor:
        cursor.execute(FACTS, {"borrower": borrower.id, "ip": context.current().ip})
        hour, day, others, largest = cursor.fetchone()
    since = borrower.customer_since
    age = timezone.now() - borrower.created_at
    if since is not None:
        age = max(age, timedelta(days=(timezone.now().date() - since).days))
    return rules.FraudFacts(
        requests_1h=hour,
        requests_24h=day,
        other_borrowers_on_ip_1h=others,
        account_age_days=round(age / timedelta(days=1), 4),
        requested_amount=requested_amount,
        largest_past_amount=largest,
    )


def explain(scored: Scored, verdict: rules.Verdict, features: KnownFeatures) -> dict[str, Any]:
    """What a person needs to follow the decision: the card's lines, the reasons, and the features' age."""
    explanation: dict[str, Any] = {
        "card": scored.card,
        "probability_of_default": round(scored.probability_of_default, 4),
        "points": [
            {"name": line.name, "part": line.part, "value": line.value, "points": line.points, "lost": line.lost}
            for line in scored.lines
        ],
        "adverse_reasons": [asdict(reason) for reason in verdict.adverse_reasons],
        "features_as_of": {label: row.as_of.isoformat() for label, row in features.rows.items()},
    }
    if scored.card == APPLICATION:
        explanation["note"] = "No features were available; the application-only card was used."
    return explanation


def _inputs(application: Application, features: KnownFeatures, facts: rules.FraudFacts) -> dict[str, Any]:
    """Everything the decision was made from, as JSON, so that it can be made again."""
    return {
        "application": asdict(application),
        "features": features.values,
        "features_as_of": {label: row.as_of.isoformat() for label, row in features.rows.items()},
        "fraud_facts": asdict(facts)
        | {
            "requested_amount": str(facts.requested_amount),
            "largest_past_amount": None if facts.largest_past_amount is None else str(facts.largest_past_amount),
        },
        "scorecard_sha256": scorecard().sha256,
        "policy": POLICY.as_dict(),
    }
