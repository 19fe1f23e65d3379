"""People take themselves out: the account is emptied and shut for good, and its number stays for what names it."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.dispatch import Signal
from django.utils import timezone
from rest_framework.exceptions import APIException

from accounts import rules, wording
from accounts.mail import send_mail
from accounts.models import (
    ApiKey,
    EmailVerification,
    IdempotencyKey,
    Login,
    LoginDay,
    LoginStatistics,
    ReputationChange,
    Session,
    User,
)
from accounts.people import revoke_api_key
from accounts.sessions import revoke_sessions
from audit.services import log_audit_event
from base.problems import Conflict
from base.roles import Role
from tasks.models import Webhook
from tasks.webhooks import endpoints

RECENT = timedelta(minutes=10)  # from a login, which needs the phone
CAME_BACK = "accounts.came_back@1"
# Sent with `user` before anything is emptied, in the same transaction: domains let go of the person behind it, or raise
# StillNeeded.
closing = Signal()


class StillNeeded(Conflict):
    """The account is a party to something that is not finished; the sentence says to what."""


class NotOneself(APIException):
    """Whether it is the person themselves is not sure enough, or it is not theirs to decide."""

    status_code = 403
    default_code = "not_oneself"


@transaction.atomic
def close_account(*, session: Session) -> None:
    """Empty and shut the account of a session that was opened just now. Raises NotOneself, StillNeeded.

    A verified address is told.
    """
    user = User.objects.select_for_update().get(pk=session.user_id)
    if user.role != Role.CLIENT or user.is_staff or user.is_superuser:
        raise NotOneself("Accounts of staff and programs are taken out by an admin.")
    if timezone.now() - session.created_at > RECENT:
        raise NotOneself(f"Log in again; an account is deleted within {RECENT.seconds // 60} minutes of a login.")
    closing.send(sender=User, user=user)
    if user.email_verified_at:
        about = ("user", str(user.pk))
        send_mail(to=user.email, subject=wording.CLOSED_SUBJECT, body=wording.CLOSED, about=about)
    log_audit_event("account_deleted", "user", user.pk)
    _shut(user)
    _forget(user)


def owe(user: User, phone: str) -> None:
    """Who left with a bad reputation has it again when they come back by the same phone."""
    digest = rules.phone_digest(phone, pepper=settings.OTP_PEPPER)
    left = User.objects.filter(left_digest=digest, reputation__lt=0).order_by("reputation").first()
    if left is not None:
        about = {"subject_type": "user", "subject_id": str(left.pk)}
        ReputationChange.objects.create(user=user, rule=CAME_BACK, points=left.reputation, **about)
        User.objects.filter(pk=user.pk).update(reputation=left.reputation)


def _shut(user: User) -> None:
    revoke_sessions(user=user, reason="account_deleted")
    for key in ApiKey.objects.filter(user=user, revoked_at=None):
        revoke_api_key(key_id=key.pk, why="account_deleted")
    for webhook in Webhook.objects.filter(owner=user, deleted_at=None):
        endpoints.delete(webhook=webhook)


def _forget(user: User) -> None:
    digest = rules.phone_digest(user.phone, pepper=settings.OTP_PEPPER) if user.phone and user.reputation < 0 else None
    user.set_unusable_password()
    User.objects.filter(pk=user.pk).update(
        username=f"deleted-{user.pk}",
        password=user.password,
        first_name="",
        last_name="",
        email="",
        phone=None,
        mail_notifications=False,
        last_login=None,
        is_active=False,
        deleted_at=Now(),
        left_digest=digest,
    )
    Session.objects.filter(user=user).update(ip=None, user_agent="")
    for model in (EmailVerification, IdempotencyKey, Login, LoginDay, LoginStatistics):
        model.objects.filter(user=user).delete()
