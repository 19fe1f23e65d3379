"""Keep the book of granted loans: what was paid out, what is due, what was paid and what was missed."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from audit.services import log_audit_event
from features.services import record
from loans import happenings
from loans.models import Instalment, Loan, LoanPayment, LoanRequest

GRACE = timedelta(days=5)
BATCH = 1_000
CENT = Decimal("0.01")
Kind = LoanPayment.Kind


class WrongState(Exception):
    """The request is not approved, is granted already, or the payment contradicts what is in the book."""


@transaction.atomic
def grant_loan(*, request: LoanRequest, external_id: str, granted_date: date) -> tuple[Loan, bool]:
    """Note that an approved loan was paid out, with its instalments. (loan, True when it is new). Raises WrongState."""
    request = LoanRequest.objects.select_for_update().get(pk=request.pk)
    if known := Loan.objects.filter(request=request).first():
        if (known.external_ref, known.granted_date) != (external_id, granted_date):
            raise WrongState("This loan is granted already, with another external_id or date.")
        return known, False
    if request.status != LoanRequest.Status.APPROVED:
        raise WrongState(f"Only an approved request can be granted; this one is {request.status}.")
    parts = split(request.requested_amount, request.term_months)
    loan = _new_loan(request, external_id, granted_date, parts[0])
    Instalment.objects.bulk_create(
        Instalment(loan=loan, number=n, due_date=months_later(granted_date, n), amount=amount)
        for n, amount in enumerate(parts, start=1)
    )
    log_audit_event("loan_granted", "loan_request", request.id, {"loan_id": loan.pk, "external_id": external_id})
    return loan, True


def _new_loan(request: LoanRequest, external_id: str, granted_date: date, payment: Decimal) -> Loan:
    try:
        with transaction.atomic():
            return Loan.objects.create(
                borrower_id=request.borrower_id,
                request=request,
                external_ref=external_id,
                granted_date=granted_date,
                amount=request.requested_amount,
                term_months=request.term_months,
                monthly_payment=payment,
                outcome=Loan.Outcome.RUNNING,
            )
    except IntegrityError:
        raise WrongState("Another loan has this external_id.") from None


def months_later(day: date, months: int) -> date:
    """The same day of a later month, or its last."""
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def split(amount: Decimal, months: int) -> list[Decimal]:
    """Equal instalments to the cent; the last one makes up for the rest."""
    each = max((amount / months).quantize(CENT, ROUND_DOWN), CENT)
    parts = [each] * min(months, int(amount / each))
    return [*parts[:-1], amount - each * (len(parts) - 1)]


@transaction.atomic
def record_payment(
    *, request: LoanRequest, external_id: str, instalment: int, paid_at: datetime
) -> tuple[LoanPayment, bool]:
    """Note that an instalment was paid in full. (payment, True when it is new). Raises WrongState."""
    loan = Loan.objects.select_for_update().filter(request=request).first()
    if loan is None:
        raise WrongState("This loan was not granted.")
    due = loan.instalments.filter(number=instalment).first()
    if due is None:
        raise WrongState(f"This loan has no instalment {instalment}.")
    known = LoanPayment.objects.filter(external_id=external_id).first()
    paid = known or LoanPayment.objects.filter(instalment=due, kind=Kind.PAID).first()
    if paid is not None:
        if (paid.external_id, paid.instalment_id, paid.happened_at) != (external_id, due.pk, paid_at):
            raise WrongState("This payment, or this instalment's, is in the book already and says otherwise.")
        return paid, False
    payment = LoanPayment.objects.create(instalment=due, kind=Kind.PAID, happened_at=paid_at, external_id=external_id)
    record(happenings.repaid(due, paid_at))
    if not loan.instalments.exclude(payments__kind=Kind.PAID).exists():
        Loan.objects.filter(pk=loan.pk).update(outcome=Loan.Outcome.REPAID)
    log_audit_event("instalment_paid", "loan_request", request.id, {"instalment": due.number})
    return payment, True


@transaction.atomic
def mark_missed(*, now: datetime | None = None) -> int:
    """Note the instalments that went by unpaid, at most 1,000 in one run; each once, whoever else runs this."""
    last_due = ((now or timezone.now()) - GRACE).date()
    unpaid = Instalment.objects.filter(due_date__lt=last_due, payments=None).select_related("loan__request")
    missed = [(one, _missed_at(one)) for one in unpaid.order_by("due_date", "id").select_for_update(
        of=("self",), skip_locked=True)[:BATCH]]  # fmt: skip
    if not missed:
        return 0
    LoanPayment.objects.bulk_create(
        (LoanPayment(instalment=one, kind=Kind.MISSED, happened_at=at) for one, at in missed), ignore_conflicts=True
    )
    record(*happenings.missed(missed))
    return len(missed)


def _missed_at(instalment: Instalment) -> datetime:
    """When the days of grace were over: at the end of the last of them, UTC."""
    day: Any = instalment.due_date + GRACE + timedelta(days=1)
    return datetime.combine(day, datetime.min.time(), UTC)
