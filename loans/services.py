"""Ask for a loan: profile, score, fraud, policy, stored with its audit rows and the feature task, or not at all."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import DatabaseError, transaction
from django.utils import timezone

from audit.models import Entry
from audit.services import entry_of, store_entries
from base import context
from features.services import Served, ingest, request_features, stored_sets
from loans import happenings, rules
from loans.features import AccountConduct, CashFlow, CoreBehavioral, LendingHistory
from loans.inputs import Application
from loans.models import Borrower, CreditDecision, LoanRequest
from loans.policy import identity
from loans.policy.aftermath import aftermath
from loans.policy.deciding import Case, decide_case
from loans.policy.facts import Asked, measure_active
from loans.review.work import open_item
from loans.storing import lock_borrower, store_decided

logger = logging.getLogger(__name__)
SETS = [CoreBehavioral, AccountConduct, CashFlow, LendingHistory]


@dataclass(frozen=True, slots=True)
class Answer:
    """A stored request with its decision; `task_id` is None when the feature task could not be stored."""

    request: LoanRequest
    decision: CreditDecision
    task_id: str | None


class NoTask(Exception):
    """The feature task cannot be stored; the message is the name of the error."""


def request_loan(**asked: Any) -> Answer:
    """Decide a request at once and let the borrower's features be brought up to date behind it.

    If the feature task cannot be stored all is done again without it, as a savepoint would cost every request.
    Takes and raises what `decide_request` does.
    """
    try:
        return decide_request(**asked)
    except NoTask as error:
        logger.exception("the feature task cannot be stored; the loan goes on without")
        return decide_request(**asked, without_task=error)


@transaction.atomic
def decide_request(
    *,
    user: Any,
    requested_amount: Decimal,
    purpose: str,
    term_months: int,
    device: str | None = None,
    without_task: NoTask | None = None,
) -> Answer:
    """Decide and store, with the feature task or, where it cannot be stored, with the reason.

    device: the client's own id of the device it runs on. Raises InvalidDevice, NoPolicy, UnknownPolicy, NoTask.
    """
    device_hash = identity.device_hash(device)
    borrower = lock_borrower(user)
    features = known_features(borrower)
    asked = Asked(borrower.id, requested_amount, context.current().ip, identity.phone_hash(user.phone), device_hash)
    means, facts = measure_active(asked)
    as_of = {label: row.as_of.isoformat() for label, row in features.rows.items()}
    application = application_of(borrower, requested_amount, term_months)
    case = Case(timezone.now().date(), application, features.values, as_of, facts)
    decided = decide_case(case, means)
    decided["explanation"] |= aftermath(case, means, decided)
    request = LoanRequest(
        borrower=borrower,
        requested_amount=requested_amount,
        purpose=purpose,
        term_months=term_months,
        status=STATUS[decided["outcome"]],
        ip=asked.ip,
        phone_hash=asked.phone_hash,
        device_hash=device_hash,
    )
    decision = CreditDecision(**decided, inputs=case.as_dict() | means.as_dict())
    store_decided(request, decision, open_item(decision))
    ingest([happenings.requested(request), happenings.decided(request, decision)], refresh=False, seldom=True)
    told = {"outcome": decision.outcome, "score": decision.final_credit_score, "decision_id": str(decision.id)}
    made = entry_of("credit_decision_made", "loan_request", request.id, told)
    task_id, triggered = trigger_feature_computation(borrower, request, without_task)
    store_entries([made, triggered])
    return Answer(request, decision, task_id)


STATUS = {
    rules.APPROVED: LoanRequest.Status.APPROVED,
    rules.REVIEW: LoanRequest.Status.PENDING,
    rules.DECLINED: LoanRequest.Status.DECLINED,
}


def application_of(borrower: Borrower, requested_amount: Decimal, term_months: int) -> Application:
    since = borrower.customer_since
    days = None if since is None else (timezone.now().date() - since).days
    return Application(float(requested_amount), term_months, borrower.second_holder, days)


def trigger_feature_computation(
    borrower: Borrower, request: LoanRequest, without: NoTask | None = None
) -> tuple[str | None, Entry]:
    """Store the feature task with the request; returns its id, and the entry that says what came of it.

    without: do not try, but say that it failed. Raises NoTask.
    """
    core = {"feature_set": CoreBehavioral.name, "feature_version": CoreBehavioral.version}
    told = {"borrower_id": str(borrower.id), **core}
    about = ("loan_request", request.id)
    if without:
        told |= {"error": str(without)}
        return None, entry_of("background_feature_computation_failed", *about, told, status="failure")
    try:
        task_id = request_features(entity_type="borrower", entity_id=str(borrower.id), **core)
    except (DatabaseError, RuntimeError) as error:
        raise NoTask(type(error).__name__) from error
    told |= {"task_id": task_id, "trigger_timestamp": timezone.now().isoformat()}
    return task_id, entry_of("background_feature_computation_triggered", *about, told)


@dataclass(frozen=True, slots=True)
class KnownFeatures:
    """Stored features by name, without the sets a borrower has none of; `rows` says where they came from."""

    values: dict[str, Any]
    rows: dict[str, Served]


def known_features(borrower: Borrower) -> KnownFeatures:
    values: dict[str, Any] = {}
    rows = {}
    for feature_set, row in stored_sets(SETS, str(borrower.id)).items():
        if not row.source_rows:
            continue
        values |= {name: None if v is None else float(v) for name, v in row.values().items()}
        rows[feature_set.label()] = row
    return KnownFeatures(values, rows)
