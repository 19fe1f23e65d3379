"""Signed heads of the chain, kept outside the database: who can rewrite every row still cannot rewrite these.

A head says "number N had this hash at this time", signed with HMAC-SHA256 and AUDIT_KEY. It holds the signature of the
head before it, so that one taken out of the middle is missed.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from django.conf import settings
from django.db import connection, transaction

from audit.headstore import HeadStore, store_at
from audit.models import Seal

SIGN_LOCK = 0x48656164  # one signer at a time, whichever process it runs in


class Contradiction(Exception):
    """The trail no longer holds the last signed head, so a new one would bless what was done to it."""


@dataclass(frozen=True, slots=True)
class Head:
    """The chain had `hash` as its number `sequence`, which is also how many entries were sealed, at `signed_at`."""

    sequence: int
    hash: str
    signed_at: str
    previous: str
    signature: str = ""

    def signed(self) -> Head:
        return Head(self.sequence, self.hash, self.signed_at, self.previous, self._signature())

    def is_genuine(self) -> bool:
        return hmac.compare_digest(self.signature, self._signature())

    def _signature(self) -> str:
        said = {name: value for name, value in asdict(self).items() if name != "signature"}
        canonical = json.dumps(said, sort_keys=True, separators=(",", ":"))
        return hmac.new(settings.AUDIT_KEY.encode(), canonical.encode(), hashlib.sha256).hexdigest()


def read(line: str) -> Head | None:
    """The head that a line holds; None for what is no head, or whose signature is not ours."""
    try:
        found = Head(**json.loads(line))
        texts = (found.hash, found.signed_at, found.previous, found.signature)
        if isinstance(found.sequence, int) and all(isinstance(text, str) and text.isascii() for text in texts):
            return found if found.is_genuine() else None
    except (ValueError, TypeError):
        pass
    return None


def kept() -> HeadStore | None:
    """The place AUDIT_HEADS names, if it names one."""
    return store_at(settings.AUDIT_HEADS) if settings.AUDIT_HEADS else None


def sign() -> Head | None:
    """Sign the newest seal and append it to the heads; None when it is signed already, or there is no place for it.

    Raises Contradiction.
    """
    store = kept()
    if store is None:
        return None
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [SIGN_LOCK])
        if not cursor.fetchone()[0]:
            return None
        newest, before = Seal.objects.order_by("-sequence").first(), read(store.last())
        if before is not None and not Seal.objects.filter(sequence=before.sequence, hash=before.hash).exists():
            raise Contradiction(
                f"The trail does not hold the last head of {settings.AUDIT_HEADS}. Run verify_audit; a new database "
                "needs a place for heads of its own."
            )
        if newest is None or (before is not None and before.sequence == newest.sequence):
            return None
        now = datetime.now(UTC).isoformat(timespec="microseconds")
        head = Head(newest.sequence, newest.hash, now, before.signature if before else "").signed()
        store.append(head.sequence, json.dumps(asdict(head), separators=(",", ":")))
        return head
