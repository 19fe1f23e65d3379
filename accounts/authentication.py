"""Who asks: a bearer token of a session, a program's API key, or staff in the console's pages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import cache, partial
from typing import Any

from django.db import connection
from django.db.models import Model, Q
from django.db.models.base import ModelState
from django.db.models.functions import Now
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts import tokens
from accounts.models import ApiKey, Session, User
from accounts.people import KEY_PREFIX, digest
from base import statements
from base.context import identify
from base.errand import Errand

NOTE_USE_EVERY = timedelta(minutes=1)


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer <access token or API key>`. One query, so that a block or logout acts at once."""

    def authenticate(self, request: Request) -> tuple[User, Session | ApiKey] | None:
        raw = self.credential(request)
        if raw is None:
            return None
        errand = getattr(request._request, "errand", None)
        found = _by_key(raw, errand) if raw.startswith(KEY_PREFIX) else _by_token(raw, errand)
        if found is None:
            raise self._refusal()
        identify(found.user)
        return found.user, found

    def credential(self, request: Request) -> str | None:
        """What the request shows, or None for nothing. Raises AuthenticationFailed for what cannot be one."""
        parts = request.META.get("HTTP_AUTHORIZATION", "").encode("latin-1").split()
        if not parts or parts[0].lower() != b"bearer":
            return None
        if len(parts) != 2 or not parts[1].isascii():
            raise self._refusal()
        return parts[1].decode("ascii")

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"

    def _refusal(self) -> AuthenticationFailed:
        return AuthenticationFailed("The bearer token is not valid, or not valid any more.")


def _by_token(raw: str, errand: Errand | None) -> Session | None:
    try:
        claims = tokens.read_access(raw)
    except tokens.BadToken:
        return None
    return _find(Session, BY_SESSION, claims.session_id, errand)


def _by_key(raw: str, errand: Errand | None) -> ApiKey | None:
    key = _find(ApiKey, BY_DIGEST, digest(raw), errand)
    if key and (key.last_used_at is None or timezone.now() - key.last_used_at > NOTE_USE_EVERY):
        stale = Q(last_used_at=None) | Q(last_used_at__lt=Now() - NOTE_USE_EVERY)
        ApiKey.objects.filter(stale, pk=key.pk).update(last_used_at=Now())
    return key


BY_SESSION = "c.id = $1::uuid AND c.revoked_at IS NULL AND c.expires_at > statement_timestamp()"
BY_DIGEST = "c.digest = $1::text AND c.revoked_at IS NULL"
UNREAD = {"password", "first_name", "last_name", "user_agent", "ip", "refresh_jti", "revoked_reason"}
UNREAD |= {"email_verified_at", "mail_notifications", "console_epoch", "deleted_at", "left_digest"}  # each if asked for


def _find(model: type[Model], condition: str, value: Any, errand: Errand | None) -> Any:
    """The credential with its user, if it is good and the user not blocked; otherwise None. Runs the errand with it."""
    query = _query(model, condition)
    with connection.cursor() as cursor:
        if errand is None:
            statements.execute(cursor, query, [value])
        else:
            text = partial(_with_errand, query, errand)
            statements.execute(cursor, (query, errand.key), [value, *errand.values], text)
        rows = cursor.fetchall()
    if not rows:
        return None
    ours, users = _fields(model), _fields(User)
    end = len(ours) + len(users)
    if errand is not None:
        errand.rows = [row[end:] for row in rows]
    found = _read(model, ours, rows[0])
    found.user = _read(User, users, rows[0][len(ours) :])
    return found


def _read(model: type[Model], fields: list[str], row: Sequence[Any]) -> Any:
    """As `Model.from_db`, without a walk over all fields and four signals to nobody. What is left out is deferred."""
    found = model.__new__(model)
    found._state = ModelState()
    found._state.adding, found._state.db = False, connection.alias
    found.__dict__.update(zip(fields, row, strict=False))
    return found


def _with_errand(query: str, errand: Errand) -> str:
    return f"SELECT * FROM ({query}) credential CROSS JOIN LATERAL ({errand.text(2)}) errand"  # noqa: S608 - of code


@cache
def _query(model: type[Model], condition: str) -> str:
    """One statement, written out because building it anew costs every request 2 ms, and planned once for 0.5 ms."""
    columns = ", ".join(
        f"{table}.{field} AS {table}_{field}" for table, kind in (("c", model), ("u", User)) for field in _fields(kind)
    )
    return (
        f"SELECT {columns} FROM {model._meta.db_table} c JOIN accounts_user u ON u.id = c.user_id "  # noqa: S608 - columns
        f"WHERE {condition} AND u.is_active"
    )


@cache
def _fields(model: type[Model]) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields if field.attname not in UNREAD]


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
