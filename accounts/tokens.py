"""The two JWTs of a session. They say who asks; whether that still counts is in the session's row."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token

if TYPE_CHECKING:
    from accounts.models import Session

MAX_LENGTH = 2_048  # ours have about 350 characters
MOST_REMEMBERED = 4_096


class BadToken(Exception):
    """Not a token of ours, or an expired one, or of the other kind."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a client gets. `expires_in`: seconds until the access token ends."""

    access_token: str
    refresh_token: str
    expires_in: int
    token_type: str = "bearer"  # noqa: S105 - a name, not a secret


@dataclass(frozen=True, slots=True)
class Claims:
    """`ends_at`: seconds since 1970, as the token has it."""

    session_id: UUID
    jti: str
    ends_at: int


def new_jti() -> str:
    return uuid4().hex


def tokens_for(session: Session) -> Tokens:
    """A fresh access token, and the session's refresh token of the present `refresh_jti`; both end with the session."""
    access, refresh = AccessToken(), RefreshToken()
    access["exp"] = min(access["exp"], _epoch(session.expires_at))
    refresh["exp"] = _epoch(session.expires_at)
    refresh["jti"] = session.refresh_jti
    for token in (access, refresh):
        token["sid"] = str(session.pk)
        token["sub"] = str(session.user_id)
    return Tokens(str(access), str(refresh), int(api_settings.ACCESS_TOKEN_LIFETIME.total_seconds()))


def read_access(raw: str) -> Claims:
    """Check signature, issuer, audience, time and kind. Raises BadToken.

    All but the time is checked once for each token that is good: nothing else about it can change.
    """
    claims = _access(raw)
    if claims.ends_at <= time.time():
        raise BadToken
    return claims


def read_refresh(raw: str) -> Claims:
    """As read_access, for refresh tokens. Raises BadToken."""
    return _read(RefreshToken, raw)


@lru_cache(MOST_REMEMBERED)
def _access(raw: str) -> Claims:
    return _read(AccessToken, raw)


def _read(kind: type[Token], raw: str) -> Claims:
    if len(raw) > MAX_LENGTH:
        raise BadToken
    try:
        token = kind(raw)  # type: ignore[arg-type]
        return Claims(UUID(token["sid"]), token["jti"], int(token["exp"]))
    except (TokenError, KeyError, ValueError, TypeError, AttributeError):
        raise BadToken from None


def _epoch(moment: datetime) -> int:
    return int(moment.timestamp())
