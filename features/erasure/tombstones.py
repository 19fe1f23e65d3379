"""Hashes that stand for erased entities: keyed, so that without the key no id can be tried against them."""

from __future__ import annotations

import hmac
from functools import cache

from django.conf import settings
from django.utils.crypto import salted_hmac

BLOCK = 64  # bytes of a block of SHA-256
INNER, OUTER = 0x36, 0x5C  # RFC 2104

# For statements that look for tombstones of their rows; `hmac` of the entity's type, a line feed and its id.
HASHED = r"sha256(%(outer)s || sha256(%(inner)s || convert_to(entity_type || E'\n' || entity_id, 'UTF8')))"


def digest(entity_type: str, entity_id: str) -> bytes:
    """HMAC-SHA256 under a key derived from SECRET_KEY."""
    return hmac.digest(_key(settings.SECRET_KEY), f"{entity_type}\n{entity_id}".encode(), "sha256")


def pads() -> dict[str, bytes]:
    """The parameters of HASHED: what HMAC puts before the message, and before the inner hash."""
    key = _key(settings.SECRET_KEY).ljust(BLOCK, b"\0")
    return {"inner": bytes(byte ^ INNER for byte in key), "outer": bytes(byte ^ OUTER for byte in key)}


@cache
def _key(secret: str) -> bytes:
    return salted_hmac("features.erasure.tombstones", "", secret, algorithm="sha256").digest()
