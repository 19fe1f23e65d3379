"""One-time codes by phone. Every count and every race is decided by rows."""

from __future__ import annotations

from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils.crypto import constant_time_compare
from rest_framework.exceptions import APIException

from accounts import rules, tasks
from accounts.caps import TooMany, one_at_a_time, refuse_over
from accounts.closing import owe
from accounts.models import OneTimeCode, User
from accounts.people import assign_role
from accounts.sessions import open_session
from accounts.tokens import Tokens
from audit.models import Entry
from audit.services import log_audit_event
from base import context
from base.roles import Role

LOOK = """
UPDATE accounts_onetimecode SET tries = tries + 1
WHERE phone = %s AND used_at IS NULL AND voided_at IS NULL AND expires_at > statement_timestamp() AND tries < %s
RETURNING id::text
"""


class WrongCode(APIException):
    """Wrong, expired, used, looked at too often, or for a person who may not log in this way: one sentence for all."""

    status_code = 400
    default_detail = "This code is not valid. Ask for a new one."
    default_code = "wrong_code"


@transaction.atomic
def request_code(*, phone: str) -> OneTimeCode:
    """Have a new code sent; an older one stops working. `phone` in E.164. Raises TooMany.

    Whether somebody has this phone is neither asked nor told.
    """
    one_at_a_time(f"otp phone {phone}")
    refuse_over(OneTimeCode.objects.filter(phone=phone), rules.SENDS_PER_PHONE)
    ip = context.current().ip
    if ip:  # always after the phone, so that two requests never wait for each other
        first, last = rules.neighbourhood(ip)
        one_at_a_time(f"otp address {first}")
        refuse_over(OneTimeCode.objects.filter(ip__gte=first, ip__lte=last), rules.SENDS_PER_ADDRESS)
    refuse_over(OneTimeCode.objects.all(), rules.SENDS_IN_ALL)

    OneTimeCode.objects.filter(phone=phone, used_at=None, voided_at=None).update(voided_at=Now())
    code = OneTimeCode.objects.create(phone=phone, expires_at=Now() + rules.CODE_LIFETIME, ip=ip)
    log_audit_event("login_code_requested", "phone", rules.masked(phone))
    tasks.send_code.using(subject=("one_time_code", code.pk)).enqueue(code_id=str(code.pk))
    return code


def verify_code(*, phone: str, code: str) -> Tokens:
    """Log in by the code sent to `phone` (E.164); the account is made at the first login. Raises WrongCode, TooMany.

    Two transactions: the look counts even when everything after it fails.
    """
    code_id = _look(phone, code)
    granted = _log_in(code_id, phone) if code_id else None
    if granted is None:
        raise WrongCode
    return granted


@transaction.atomic(durable=True)
def _look(phone: str, code: str) -> UUID | None:
    """Count a look at the phone's open code, then compare. Returns the code row's id when it is right."""
    one_at_a_time(f"otp phone {phone}")
    _refuse_after_failures(phone)
    with connection.cursor() as cursor:
        cursor.execute(LOOK, [phone, rules.LOOKS_PER_CODE])
        row = cursor.fetchone()
    # Without an open code the same work is done against one that never was.
    expected = rules.code_for(row[0] if row else uuid4(), phone, pepper=settings.OTP_PEPPER)
    right = constant_time_compare(expected, code)
    if row and right:
        return UUID(row[0])
    log_audit_event("login_code_refused", "phone", rules.masked(phone), status=Entry.Status.FAILURE)
    return None


@transaction.atomic(durable=True)
def _log_in(code_id: UUID, phone: str) -> Tokens | None:
    """Use the code up and open a session. None: somebody was faster, or this person may not log in by code."""
    if not OneTimeCode.objects.filter(pk=code_id, used_at=None, voided_at=None).update(used_at=Now()):
        return None
    # Held, so that a lock comes before this login or finds its session.
    user = User.objects.select_for_update(no_key=True).filter(phone=phone).first() or _new_user(phone)
    # Text messages can be intercepted, so they open no account that can see other people's data.
    if user.is_active and not user.is_staff and not user.is_superuser:
        return open_session(user=user)
    log_audit_event("login_refused", "user", user.pk, {"method": "code"}, status=Entry.Status.DENIED)
    return None


def _new_user(phone: str) -> User:
    user = User(username=f"client-{uuid4().hex[:12]}", phone=phone)
    user.set_unusable_password()
    user.save()
    assign_role(user=user, role=Role.CLIENT)
    owe(user, phone)
    return user


def _refuse_after_failures(phone: str) -> None:
    """The one look that used a code up did not fail; all others of the last day did."""
    codes = OneTimeCode.objects.filter(phone=phone, tries__gt=0, created_at__gt=Now() - rules.DAY)
    rows = codes.order_by("-created_at").values_list(Now() - F("created_at"), "tries", "used_at")
    ages = [age for age, tries, used_at in rows for _ in range(tries - (used_at is not None))]
    if wait := rules.wait(ages, rules.FAILED_LOOKS_PER_PHONE):
        raise TooMany(wait)
