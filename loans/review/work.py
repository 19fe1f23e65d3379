"""Open, claim, release and decide the requests that the machine leaves to a person. Races are decided by the rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from audit.services import log_audit_event
from base import worklist
from base.worklist import OwnWork, WrongState
from features.services import record
from loans import happenings, reasons
from loans.models import CreditDecision, LoanRequest, ReviewItem

Outcome, Status = CreditDecision.Outcome, ReviewItem.Status
ORDER = worklist.Order(day="opened_day")
APPROVED_SENTENCE = "A reviewer approved the request"
DECLINED_SENTENCE = "A reviewer declined the request"


def open_item(decision: CreditDecision) -> ReviewItem | None:
    """The work item a decision asks for, not stored yet; None when a machine's decision stands."""
    if decision.outcome != Outcome.REVIEW:
        return None
    now = timezone.now()
    return ReviewItem(
        reason="; ".join(decision.reasons)[:300],
        risk=max(decision.default_probability, decision.fraud_score),
        status=Status.OPEN,
        opened_day=now.date(),
        due_at=now + timedelta(hours=settings.REVIEW_HOURS),
    )


@transaction.atomic
def claim_item(*, item_id: int, user: Any) -> ReviewItem:
    """Take an item that is open, or whose claim has run out; one's own claim is prolonged.

    Raises WrongState, OwnWork.
    """
    _refuse_own(item_id, user)
    taken = worklist.claim(ReviewItem.objects.filter(pk=item_id), user, minutes=settings.REVIEW_CLAIM_MINUTES)
    item = ReviewItem.objects.select_related("loan_request", "claimed_by").get(pk=item_id)
    if not taken:
        worklist.refuse_taken(item)
    _log("review_claimed", item)
    return item


@transaction.atomic
def release_item(*, item_id: int, user: Any, reason: str = "") -> ReviewItem:
    """Give an item back that one has claimed. Raises WrongState."""
    given = worklist.release(ReviewItem.objects.filter(pk=item_id), user)
    item = ReviewItem.objects.select_related("loan_request", "claimed_by").get(pk=item_id)
    if not given:
        raise WrongState("Only who has claimed a request can release it.")
    _log("review_released", item, reason=reason)
    return item


@transaction.atomic
def decide_item(
    *, item_id: int, user: Any, approve: bool, note: str, reason_codes: Sequence[str] = ()
) -> CreditDecision:
    """Decide a claimed request for good: decision number 2, the request's status, an event and an audit entry.

    reason_codes: of the catalogue, strongest first; for a decline alone. note: for staff, never shown to borrowers.
    Raises WrongState, OwnWork, reasons.UnknownReason.
    """
    _refuse_own(item_id, user)
    item = ReviewItem.objects.select_for_update(of=("self",)).select_related("loan_request").get(pk=item_id)
    worklist.refuse_unclaimed(item, user)
    if approve and reason_codes:
        raise reasons.UnknownReason("Reasons are for a decline.")
    request = item.loan_request
    first = CreditDecision.objects.get(loan_request=request, number=1)
    against = [] if approve else reasons.chosen(reason_codes, first.adverse_reasons)
    decision = second_decision(first, approve=approve, against=against, user=user)
    status = LoanRequest.Status.APPROVED if approve else LoanRequest.Status.DECLINED
    LoanRequest.objects.filter(pk=request.pk).update(status=status)
    ReviewItem.objects.filter(pk=item.pk).update(status=Status.DONE, decided_at=Now(), note=note)
    record(happenings.decided(request, decision))
    _log("review_decided", item, outcome=decision.outcome, decision_id=str(decision.pk), reasons=list(reason_codes))
    return decision


def second_decision(
    first: CreditDecision, *, approve: bool, against: list[dict[str, Any]], user: Any
) -> CreditDecision:
    """The reviewer's row: what the machine knew, and another outcome."""
    same = {
        field.attname: getattr(first, field.attname)
        for field in CreditDecision._meta.concrete_fields
        if field.name not in {"id", "created_at", "decided_by"}
    }
    ended = ("counter_offer", "notice_due_date") if approve else ()
    explained = {key: value for key, value in first.explanation.items() if key not in ended}
    return CreditDecision.objects.create(
        **same
        | {
            "number": first.number + 1,
            "outcome": Outcome.APPROVED if approve else Outcome.DECLINED,
            "reasons": [APPROVED_SENTENCE if approve else DECLINED_SENTENCE],
            "adverse_reasons": against,
            "explanation": explained | {"adverse_reasons": against, "decided_by": "reviewer"},
            "decided_by": user,
        }
    )


def queue() -> Any:
    """What waits for a reviewer, the oldest day first and of a day the riskiest."""
    waiting = ReviewItem.objects.exclude(status=Status.DONE).order_by(*ORDER.fields)
    return waiting.select_related("loan_request__borrower", "claimed_by")


def overdue() -> Any:
    return ReviewItem.objects.exclude(status=Status.DONE).filter(due_at__lt=Now())


def _refuse_own(item_id: int, user: Any) -> None:
    asked = ReviewItem.objects.filter(pk=item_id).values_list("loan_request__borrower__user_id", flat=True).first()
    if asked is None:
        raise ReviewItem.DoesNotExist
    if asked == user.pk:
        raise OwnWork("Nobody reviews a request of their own.")


def _log(action: str, item: ReviewItem, **metadata: Any) -> None:
    log_audit_event(action, "loan_request", item.loan_request_id, {"review_id": item.pk} | metadata)
