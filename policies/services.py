"""Quote, bind, record a payment. Each is stored with its audit entry; sent again under its external id, it is known.

Times that are left out are now. What is said to happen in the future is refused: features would count it too early.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Model
from django.utils import timezone
from psycopg2.errors import UniqueViolation

from accounts.models import User
from audit.services import log_audit_event
from features.services import request_refresh
from policies.models import PaymentTransaction, Policy, Quote

TERM = timedelta(days=365)


class Refused(Exception):
    """What was asked for cannot be done. `field` is the key it was asked with."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class Conflicting(Exception):
    """Something else is there already: another row under this external id, or another policy of this quote."""


@transaction.atomic
def create_quote(
    *,
    external_id: str,
    user_id: int,
    product: str,
    premium_usd: Decimal,
    instalments: int,
    created_at: datetime | None = None,
) -> tuple[Quote, bool]:
    """Store an offer. Returns it and whether it is new. Raises Refused, Conflicting."""
    now = timezone.now()
    _refuse_future("created_at", created_at, now)
    if not User.objects.filter(pk=user_id).exists():
        raise Refused("user_id", "There is no such user.")
    quote = Quote(
        external_id=external_id,
        user_id=user_id,
        product=product,
        premium_usd=premium_usd,
        instalments=instalments,
        created_at=created_at or now,
    )
    if not _store(quote):
        return _known(quote, given_time=created_at, time_field="created_at"), False
    metadata = {"user_id": user_id, "premium_usd": str(premium_usd), "product": product}
    log_audit_event("quote_created", "quote", quote.pk, metadata)
    _refresh("user", "quote")
    return quote, True


@transaction.atomic
def bind_quote(*, external_id: str, quote_id: int, bound_at: datetime | None = None) -> tuple[Policy, bool]:
    """Make a quote a policy, of a year from the day it is bound.

    Returns the policy and whether it is new. Raises Refused, Conflicting.
    """
    now = timezone.now()
    _refuse_future("bound_at", bound_at, now)
    quote = Quote.objects.select_for_update().filter(pk=quote_id).first()
    if quote is None:
        raise Refused("quote_id", "There is no such quote.")
    if quote.bound_at is not None:
        policy = Policy.objects.get(quote=quote)
        if policy.external_id != external_id or bound_at not in (None, quote.bound_at):
            raise Conflicting("This quote is bound already.")
        return policy, False
    moment = bound_at or now
    if moment < quote.created_at:
        raise Refused("bound_at", "A quote cannot be bound before it was made.")
    first_day = moment.astimezone(UTC).date()
    policy = Policy(
        external_id=external_id,
        quote=quote,
        user_id=quote.user_id,
        starts_date=first_day,
        ends_date=first_day + TERM,
    )
    if not _store(policy):
        raise Conflicting("This external_id names another policy.")
    Quote.objects.filter(pk=quote_id).update(bound_at=moment, binding_recorded_at=now)
    log_audit_event("quote_bound", "quote", quote_id, {"policy_id": policy.pk, "user_id": quote.user_id})
    _refresh("user", "quote")
    return policy, True


@transaction.atomic
def record_payment(
    *,
    external_id: str,
    policy_id: int,
    payment_type: str,
    amount_usd: Decimal,
    status: str,
    failure_reason: str = "",
    attempted_at: datetime | None = None,
) -> tuple[PaymentTransaction, bool]:
    """Store how a try to pay ended. Returns it and whether it is new. Raises Refused, Conflicting."""
    now = timezone.now()
    _refuse_future("attempted_at", attempted_at, now)
    if failure_reason and status != PaymentTransaction.Status.FAILED:
        raise Refused("failure_reason", "Only a failed payment has a reason.")
    if not Policy.objects.filter(pk=policy_id).exists():
        raise Refused("policy_id", "There is no such policy.")
    payment = PaymentTransaction(
        external_id=external_id,
        policy_id=policy_id,
        payment_type=payment_type,
        amount_usd=amount_usd,
        status=status,
        failure_reason=failure_reason,
        attempted_at=attempted_at or now,
    )
    if not _store(payment):
        return _known(payment, given_time=attempted_at, time_field="attempted_at"), False
    metadata = {"policy_id": policy_id, "amount_usd": str(amount_usd), "payment_type": payment_type, "status": status}
    log_audit_event("payment_recorded", "payment_transaction", payment.pk, metadata)
    _refresh("user", "payment_transaction")
    return payment, True


def _refresh(*entity_types: str) -> None:
    """The rows' triggers have marked who is stale; this asks for them to be computed behind."""
    for entity_type in entity_types:
        request_refresh(entity_type)


def _store(row: Model) -> bool:
    """Insert a row. False: another has its external id, and is committed."""
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        if isinstance(error.__cause__, UniqueViolation):
            return False
        raise
    return True


def _known(told: Any, *, given_time: datetime | None, time_field: str) -> Any:
    """The row that has the external id of `told`. Raises Conflicting if it says something else.

    A time that was not given is not compared: it would be another one at each sending.
    """
    row = type(told).objects.get(external_id=told.external_id)
    own = {"id", "recorded_at", *({time_field} if given_time is None else ())}
    for field in told._meta.concrete_fields:
        if field.name not in own and getattr(row, field.attname) != getattr(told, field.attname):
            raise Conflicting(f"This external_id names another {told._meta.verbose_name}.")
    return row


def _refuse_future(field: str, moment: datetime | None, now: datetime) -> None:
    if moment is not None and moment > now:
        raise Refused(field, "This is in the future.")
