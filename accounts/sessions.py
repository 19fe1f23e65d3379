"""Logins: opened by a code, kept alive by rotating refresh tokens, closed by logout, theft or staff."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from rest_framework.exceptions import APIException
from rest_framework_simplejwt.settings import api_settings

from accounts import tasks, tokens
from accounts.models import Session, User
from accounts.tokens import Tokens
from audit.models import Entry
from audit.services import log_audit_event
from base import context


class InvalidRefreshToken(APIException):
    """One sentence for all reasons."""

    status_code = 401
    default_detail = "The refresh token is not valid any more. Log in again."
    default_code = "invalid_token"
    auth_header = "Bearer"


@transaction.atomic
def open_session(*, user: User, method: str = "code") -> Tokens:
    """Log a user in. `method` says how they showed who they are."""
    now = context.current()
    session = Session.objects.create(
        user=user,
        expires_at=timezone.now() + api_settings.REFRESH_TOKEN_LIFETIME,
        refresh_jti=tokens.new_jti(),
        ip=now.ip,
        user_agent=now.user_agent,
    )
    User.objects.filter(pk=user.pk).update(last_login=Now())
    about = {"user": user.pk, "method": method}
    entry = log_audit_event("login", "session", session.pk, about, actor=f"user:{user.pk}")
    tasks.count_login.using(subject=("user", str(user.pk))).enqueue(entry_id=entry.pk)
    return tokens.tokens_for(session)


def refresh_session(*, refresh_token: str) -> Tokens:
    """Give new tokens for the session's newest refresh token. Raises InvalidRefreshToken.

    A spent one means that two parties hold tokens of one login, and there is no telling which is the thief:
    the session is closed for both.
    """
    try:
        claims = tokens.read_refresh(refresh_token)
    except tokens.BadToken:
        raise InvalidRefreshToken from None
    session = _rotate(claims)
    if session is None:
        raise InvalidRefreshToken
    return tokens.tokens_for(session)


@transaction.atomic(durable=True)  # closing the session must not be rolled back with the refusal
def _rotate(claims: tokens.Claims) -> Session | None:
    # The condition stands on the row itself and joins nothing: PostgreSQL checks it again after waiting for a rival.
    won = Session.objects.filter(
        pk=claims.session_id, refresh_jti=claims.jti, revoked_at=None, expires_at__gt=Now()
    ).update(refresh_jti=tokens.new_jti(), last_used_at=Now())
    session = Session.objects.select_related("user").filter(pk=claims.session_id).first()
    if session is None:
        return None
    actor = f"user:{session.user_id}"
    if won and session.user.is_active:
        log_audit_event("session_refreshed", "session", session.pk, actor=actor)
        return session
    if won:
        _close(session, "user_blocked", actor=actor)
    elif session.refresh_jti != claims.jti and _close(session, "token_reused", actor=actor):
        log_audit_event("refresh_token_reused", "session", session.pk, actor=actor, status=Entry.Status.DENIED)
    return None


def open_sessions(user: User) -> QuerySet[Session]:
    """Those whose tokens still work, the one used last first."""
    return Session.objects.filter(user=user, revoked_at=None, expires_at__gt=Now()).order_by("-last_used_at", "-id")


@transaction.atomic
def revoke_session(*, session_id: Any, reason: str = "logout", why: str = "") -> bool:
    """Close one session; its tokens stop working at once. False: it was closed already.

    reason: one word, kept with the session. why: what staff say, kept in the trail.
    """
    session = Session.objects.filter(pk=session_id).first()
    return session is not None and _close(session, reason, why=why)


@transaction.atomic
def revoke_other_sessions(*, keep: Session) -> int:
    """Close all sessions of a user but one. Returns how many were open."""
    others = open_sessions(keep.user).exclude(pk=keep.pk)
    return sum(_close(session, "logout_elsewhere") for session in others)


@transaction.atomic
def revoke_sessions(*, user: User, reason: str, why: str = "") -> int:
    """Close all sessions of a user, and end their logins in the console. Returns how many sessions were open."""
    User.objects.filter(pk=user.pk).update(console_epoch=F("console_epoch") + 1)
    closed = close_sessions(user, reason, why=why)
    log_audit_event("sessions_revoked", "user", user.pk, {"reason": reason, "why": why, "closed": closed})
    return closed


def close_sessions(user: User, reason: str, *, why: str = "") -> int:
    """Close a user's sessions and nothing else; in the caller's transaction."""
    return sum(_close(session, reason, why=why) for session in open_sessions(user))


def _close(session: Session, reason: str, *, actor: str | None = None, why: str = "") -> bool:
    changed = Session.objects.filter(pk=session.pk, revoked_at=None).update(revoked_at=Now(), revoked_reason=reason)
    if changed:
        details = {"user": session.user_id, "reason": reason} | ({"why": why} if why else {})
        log_audit_event("session_revoked", "session", session.pk, details, actor=actor)
    return bool(changed)
