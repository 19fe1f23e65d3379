"""Whose an e-mail address is: shown by a link sent to it, decided by the row of the user it was sent for."""

from __future__ import annotations

from uuid import uuid4

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models.functions import Lower, Now
from django.db.models.lookups import Exact
from django.utils.crypto import constant_time_compare
from rest_framework.exceptions import APIException

from accounts import rules, tasks
from accounts.caps import one_at_a_time, refuse_over
from accounts.models import EmailVerification, User
from audit.models import Entry
from audit.services import log_audit_event

Verifications = EmailVerification.objects


class NothingToVerify(APIException):
    """The user has no address, or has shown already that it is theirs."""

    status_code = 409


class WrongToken(APIException):
    """No token of ours, spent, expired, for an address that was changed or is another's: one sentence for all."""

    status_code = 400
    default_detail = "This link is not valid any more. Ask for a new one."
    default_code = "wrong_token"


@transaction.atomic
def request_verification(*, user: User) -> EmailVerification:
    """Have a link sent to the user's address; an older one stops working. Raises NothingToVerify, TooMany.

    Whether somebody else has the address too is neither asked nor told.
    """
    one_at_a_time(f"verification user {user.pk}")
    refuse_over(Verifications.filter(user=user), rules.MAILS_PER_USER)
    now = User.objects.get(pk=user.pk)
    if not now.email or now.email_verified_at:
        raise NothingToVerify("Your address is verified already." if now.email else "Your account has no address.")
    one_at_a_time(f"verification address {now.email.lower()}")  # always after the user, as for codes
    refuse_over(Verifications.filter(Exact(Lower("address"), now.email.lower())), rules.MAILS_PER_ADDRESS)
    refuse_over(Verifications.all(), rules.MAILS_IN_ALL)
    void_verifications(user)
    made = Verifications.create(user=user, address=now.email, expires_at=Now() + rules.LINK_LIFETIME)
    log_audit_event("email_verification_requested", "user", user.pk)
    tasks.send_verification.using(subject=("user", str(user.pk))).enqueue(verification_id=str(made.pk))
    return made


def confirm_email(*, token: str, user: User | None = None) -> User:
    """Note that an address is its user's. user: whom the token must be for, if that is known. Raises WrongToken.

    The refusal is committed: it is in the trail.
    """
    verified = _confirm(token, user)
    if verified is None:
        raise WrongToken
    return verified


def void_verifications(user: User) -> None:
    Verifications.filter(user=user, used_at=None, voided_at=None).update(voided_at=Now())


@transaction.atomic(durable=True)
def _confirm(token: str, user: User | None) -> User | None:
    row = _row_of(token)
    if row is None or (user is not None and row.user_id != user.pk):
        log_audit_event("email_verification_refused", "user", "", status=Entry.Status.FAILURE)
        return None
    try:
        with transaction.atomic():
            why = _use(row)
    except IntegrityError:  # of two accounts with one address the database lets one have it
        why = "taken"
    if why:
        log_audit_event("email_verification_refused", "user", row.user_id, {"why": why}, status=Entry.Status.DENIED)
        return None
    log_audit_event("email_verified", "user", row.user_id, actor=f"user:{row.user_id}")
    return User.objects.get(pk=row.user_id)


def _row_of(token: str) -> EmailVerification | None:
    """The row whose token this is. For one that never was the same work is done against a row that never was."""
    row = Verifications.filter(pk=rules.verification_of(token) or uuid4()).first()
    of = (row.pk, row.address) if row else (uuid4(), "")
    right = constant_time_compare(rules.email_token(*of, pepper=settings.OTP_PEPPER), token)
    return row if right else None


def _use(row: EmailVerification) -> str:
    """Use the row up and verify its address; why not, if not. Both conditions stand on the rows themselves."""
    list(User.objects.select_for_update(no_key=True).filter(pk=row.user_id).values("pk"))  # first, as a change does
    good = Verifications.filter(pk=row.pk, used_at=None, voided_at=None, expires_at__gt=Now())
    if not good.update(used_at=Now()):
        return "spent"
    owner = User.objects.filter(pk=row.user_id, email=row.address, is_active=True)
    return "" if owner.update(email_verified_at=Now()) else "changed"
