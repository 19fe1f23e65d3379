"""What runs later: texts, mail and counts, and forgetting what has served."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module

from django.conf import settings
from django.db.models import QuerySet
from django.db.models.functions import Now

from accounts import ledger, logins, rules, sms, wording
from accounts.delivery import deliver
from accounts.models import (
    EmailVerification,
    IdempotencyKey,
    Login,
    LoginDay,
    Mail,
    OneTimeCode,
    Session,
)
from tasks.definitions import PermanentError, every, task

KEEP_ANSWERS = timedelta(hours=48)
KEEP_CODES = timedelta(days=2)  # the longest limit looks back one day, and failed looks of yesterday are counted
KEEP_LOGINS = timedelta(days=90)
KEEP_LOGIN_DAYS = timedelta(days=400)
KEEP_MAIL = timedelta(days=30)
KEEP_SESSIONS = timedelta(days=30)
MAIL_WAITS_S = (5, 30, 300, 1_800)
BATCH = 10_000


# Not atomic: a slow gateway must not hold a transaction open, and there is nothing to write.
@task(queue_name="high", max_attempts=5, backoff_initial_s=1, timeout_s=60, atomic=False)
def send_code(*, code_id: str) -> dict:
    """Text a code, derived again from its row. Not sent when it is used, voided or expired by now.

    Raises SmsDelayed, SmsRefused.
    """
    code = OneTimeCode.objects.filter(pk=code_id, used_at=None, voided_at=None, expires_at__gt=Now()).first()
    if code is None:
        return {"sent": False}
    digits = rules.code_for(code.pk, code.phone, pepper=settings.OTP_PEPPER)
    sms.send(to=code.phone, text=wording.code_text(digits), message_id=str(code.pk))
    return {"sent": True}


@task(queue_name="default", max_attempts=12, waits_s=MAIL_WAITS_S, timeout_s=60, atomic=False)
def send_mail(*, mail_id: str) -> dict:
    """Hand a message to the mail server; for hours, until it takes or refuses it. Raises MailDelayed, MailRefused."""
    mail = Mail.objects.filter(pk=mail_id, sent_at=None).first()
    if mail is None:
        return {"sent": False}
    deliver(message_id=f"mail-{mail.pk}", to=mail.to, subject=mail.subject, text=mail.body)
    Mail.objects.filter(pk=mail.pk).update(sent_at=Now())
    return {"sent": True}


@task(queue_name="default", max_attempts=12, waits_s=MAIL_WAITS_S, timeout_s=60, atomic=False)
def send_verification(*, verification_id: str) -> dict:
    """Mail a verification's link, derived again from its row. Not sent when it is used, voided or expired by now."""
    open_ones = EmailVerification.objects.filter(used_at=None, voided_at=None, expires_at__gt=Now())
    row = open_ones.filter(pk=verification_id).first()
    if row is None:
        return {"sent": False}
    token = rules.email_token(row.pk, row.address, pepper=settings.OTP_PEPPER)
    text = wording.verify_text(token, page=f"{settings.SITE_URL}/verify-email")
    deliver(message_id=f"verification-{row.pk}", to=row.address, subject=wording.VERIFY_SUBJECT, text=text)
    return {"sent": True}


@task(queue_name="low", max_attempts=8)
def count_login(*, entry_id: int) -> dict:
    """Count a login by its entry in the trail, once."""
    return {"counted": logins.count_login(entry_id)}


@every(timedelta(minutes=10))
@task(queue_name="low")
def count_failed_looks() -> dict:
    """Bring the counts of wrong codes up to date for today and yesterday."""
    return {"days": logins.count_failed_looks()}


@task(queue_name="low", max_attempts=8)
def count_reputation(*, user_id: int, rule: str, points: int, subject: list[str]) -> dict:
    """Note the points of a rule for a subject, unless they are noted already. Raises PermanentError without a user."""
    new, gone = ledger.note_points(rule, points, [(user_id, subject[0], subject[1])])
    if gone:
        raise PermanentError(f"There is no user {user_id}.")
    return {"counted": bool(new)}


@task(queue_name="low", max_attempts=8)
def count_reputations(*, rule: str, points: int, earned: list[tuple[int, str, str]]) -> dict:
    """The same of one rule for many (user, subject type, subject id); users that are gone get nothing."""
    new, gone = ledger.note_points(rule, points, earned)
    return {"counted": new, "gone": gone}


@every(timedelta(minutes=10))
@task(queue_name="low")
def forget_expired() -> dict:
    """Remove what has long served, at most 10,000 of each in one run."""
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
    return {
        "answers": _remove(IdempotencyKey.objects.filter(created_at__lt=Now() - KEEP_ANSWERS)),
        "codes": _remove(OneTimeCode.objects.filter(created_at__lt=Now() - KEEP_CODES)),
        "login_days": _remove(LoginDay.objects.filter(day__lt=Now() - KEEP_LOGIN_DAYS)),
        "logins": _remove(Login.objects.filter(at__lt=Now() - KEEP_LOGINS)),
        "mail": _remove(Mail.objects.filter(created_at__lt=Now() - KEEP_MAIL)),
        "sessions": _remove(Session.objects.filter(expires_at__lt=Now() - KEEP_SESSIONS)),
        "verifications": _remove(EmailVerification.objects.filter(created_at__lt=Now() - KEEP_CODES)),
    }


def _remove(rows: QuerySet) -> int:
    return rows.model.objects.filter(pk__in=rows.values("pk")[:BATCH]).delete()[0]
