"""Who asks: a bearer token of a session, a program's API key, or staff in the console's pages."""

from __future__ import annotations

import functools
from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, SessionAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts import tokens
from accounts.models import ApiKey, Session, User
from accounts.people import KEY_PREFIX, digest
from base.context import identify

NOTE_USE_EVERY = timedelta(minutes=1)


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer <access token or API key>`. One query, so that a block or logout acts at once."""

    def authenticate(self, request: Request) -> tuple[User, Session | ApiKey] | None:
        parts = get_authorization_header(request).split()
        if not parts or parts[0].lower() != b"bearer":
            return None
        if len(parts) != 2 or not parts[1].isascii():
            raise self._refusal()
        raw = parts[1].decode("ascii")
        found = _by_key(raw) if raw.startswith(KEY_PREFIX) else _by_token(raw)
        if found is None:
            raise self._refusal()
        identify(found.user)
        return found.user, found

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"

    def _refusal(self) -> AuthenticationFailed:
        return AuthenticationFailed("The bearer token is not valid, or not valid any more.")


def _by_token(raw: str) -> Session | None:
    try:
        claims = tokens.read_access(raw)
    except tokens.BadToken:
        return None
    with connection.cursor() as cursor:
        cursor.execute(_session_query(), [claims.session_id])
        row = cursor.fetchone()
    if row is None:
        return None
    columns = len(SESSION_FIELDS)
    session = Session.from_db(connection.alias, SESSION_FIELDS, row[:columns])
    session.user = User.from_db(connection.alias, USER_FIELDS, row[columns:])
    return session


SESSION_FIELDS = [field.attname for field in Session._meta.concrete_fields]
USER_FIELDS = [field.attname for field in User._meta.concrete_fields]


@functools.cache
def _session_query() -> str:
    """Session and user in one statement. Written out because building it anew costs every request 2 ms."""
    columns = ", ".join(
        f"{table}.{field.column}"
        for table, model in (("s", Session), ("u", User))
        for field in model._meta.concrete_fields
    )
    return (
        f"SELECT {columns} FROM accounts_session s JOIN accounts_user u ON u.id = s.user_id "  # noqa: S608 - columns
        "WHERE s.id = %s AND s.revoked_at IS NULL AND s.expires_at > statement_timestamp() AND u.is_active"
    )


def _by_key(raw: str) -> ApiKey | None:
    key = (
        ApiKey.objects.select_related("user").filter(digest=digest(raw), revoked_at=None, user__is_active=True).first()
    )
    if key and (key.last_used_at is None or timezone.now() - key.last_used_at > NOTE_USE_EVERY):
        stale = Q(last_used_at=None) | Q(last_used_at__lt=Now() - NOTE_USE_EVERY)
        ApiKey.objects.filter(stale, pk=key.pk).update(last_used_at=Now())
    return key


class StaffSessionAuthentication(SessionAuthentication):
    """The console's own pages, for staff; CSRF is checked. Clients and programs always use a bearer."""

    def authenticate(self, request: Request) -> tuple[Any, None] | None:
        user = getattr(request._request, "user", None)
        if user is None or not user.is_staff:
            return None
        found = super().authenticate(request)
        if found:
            identify(user)
        return found
