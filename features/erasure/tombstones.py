"""Hashes that stand for erased entities: keyed, so that without the key no id can be tried against them."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from functools import cache

from django.conf import settings
from django.db import connection
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
    return dict(_pads(settings.SECRET_KEY))


def buried(entities: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those of them, by type and id, that have a tombstone."""
    hashed = {digest(*entity): entity for entity in entities}
    with connection.cursor() as cursor:
        cursor.execute("SELECT digest FROM features_erasedentity WHERE digest = ANY(%s)", [list(hashed)])
        return {hashed[bytes(found)] for [found] in cursor.fetchall()}


@cache
def _key(secret: str) -> bytes:
    return salted_hmac("features.erasure.tombstones", "", secret, algorithm="sha256").digest()


@cache
def _pads(secret: str) -> dict[str, bytes]:
    key = _key(secret).ljust(BLOCK, b"\0")
    return {"outer": bytes(byte ^ OUTER for byte in key), "inner": bytes(byte ^ INNER for byte in key)}
