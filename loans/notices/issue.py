"""Issue notices, each once, and send them. A notice is due 30 days after the application."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from accounts.services import deliver
from audit.services import log_audit_event
from loans.counteroffer import NOTICE_DUE
from loans.models import CreditDecision, LoanRequest, Notice
from loans.notices import wording

Channel = Notice.Channel


class WrongState(Exception):
    """The notice is not one that waits to be posted."""


def wording_of(decision: CreditDecision) -> wording.Wording:
    """What a borrower is told of a decline; the same for the same row."""
    request = decision.loan_request
    return wording.worded(
        wording.NoticeFacts(
            reference=str(request.id),
            lender=settings.LENDER_NAME,
            lender_address=settings.LENDER_ADDRESS,
            agency=settings.LENDER_AGENCY,
            requested_at=request.created_at,
            requested_amount=f"{request.requested_amount:,.2f}",
            purpose=request.purpose,
            term_months=request.term_months,
            decided_at=decision.created_at,
            reasons=tuple(reason["text"] for reason in decision.adverse_reasons),
            lowered_score=tuple(one["text"] for one in decision.adverse_reasons if one.get("points_lost")),
            score=decision.final_credit_score,
            score_range=(0, 100),
            counter_offer=decision.explanation.get("counter_offer"),
        )
    )


def without_notice() -> Any:
    """Declines that nobody has been told of in writing, oldest application first."""
    untold = list(not_told().filter(status=LoanRequest.Status.DECLINED).values_list("pk", flat=True))
    declined = CreditDecision.objects.filter(
        outcome=CreditDecision.Outcome.DECLINED, notice=None, loan_request__in=untold
    )
    return declined.select_related("loan_request__borrower__user").order_by("loan_request__created_at", "id")


def not_told() -> Any:
    """Requests that were not approved and have no notice on its way yet: few, and an index knows them."""
    return LoanRequest.objects.filter(~Q(status=LoanRequest.Status.APPROVED), told=False)


@transaction.atomic
def issue_notice(decision: CreditDecision) -> Notice | None:
    """Store what a borrower is told. None: it has been issued already."""
    held = CreditDecision.objects.select_for_update(of=("self",)).get(pk=decision.pk)
    if Notice.objects.filter(decision=held).exists():
        return None
    request, said = decision.loan_request, wording_of(decision)
    notice = Notice.objects.create(
        decision=held,
        channel=Channel.EMAIL if request.borrower.user.email else Channel.POST,
        due_date=wording.due_date(request.created_at),
        subject=said.subject,
        text=said.text,
        html=said.html,
        sha256=said.sha256,
    )
    told = {"notice_id": str(notice.pk), "sha256": notice.sha256, "channel": notice.channel}
    log_audit_event("notice_issued", "loan_request", request.id, told)
    return notice


@transaction.atomic
def mail_notice(notice_id: Any) -> bool:
    """Hand a notice to the mail server, once. The message's id is the notice's, should a crash send it again."""
    notice = Notice.objects.select_for_update(of=("self",)).get(pk=notice_id)
    if notice.sent_at is not None or notice.channel != Channel.EMAIL:
        return False
    deliver(
        message_id=f"notice-{notice.pk}",
        to=notice.decision.loan_request.borrower.user.email,
        subject=notice.subject,
        text=notice.text,
        html=notice.html,
        sender=settings.LENDER_EMAIL,
    )
    Notice.objects.filter(pk=notice.pk).update(sent_at=Now())
    _note_told(notice)
    return True


@transaction.atomic
def post_notice(*, notice_id: Any, reason: str = "") -> Notice:
    """Note that staff printed a letter and posted it. Raises WrongState."""
    posted = Notice.objects.filter(pk=notice_id, channel=Channel.POST, sent_at=None).update(sent_at=Now())
    notice = Notice.objects.select_related("decision").get(pk=notice_id)
    if not posted:
        raise WrongState("Only a letter that waits can be posted.")
    _note_told(notice)
    log_audit_event("notice_posted", "loan_request", notice.decision.loan_request_id, {"reason": reason})
    return notice


def overdue_count() -> int:
    """Applications of more than 30 days ago that are declined, or still in review, without a notice on its way."""
    return not_told().filter(created_at__lt=timezone.now() - NOTICE_DUE).count()


def _note_told(notice: Notice) -> None:
    LoanRequest.objects.filter(pk=notice.decision.loan_request_id).update(told=True)
