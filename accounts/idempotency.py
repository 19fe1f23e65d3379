"""The same request twice, the same answer, one effect. For views of every app that honour `Idempotency-Key`.

    with transaction.atomic():
        answer = idempotency.begin(user=user, endpoint="loans.request", key=key, body=request.data)
        if answer is None:
            ... the effect ...
            answer = idempotency.finish(user=user, endpoint="loans.request", key=key, status=201, body=rendered)
    return answer.as_response()

Key, effect and answer commit together. An error rolls all three back, so errors are never replayed.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

from django.db import OperationalError, connection
from django.http import HttpResponse
from psycopg2.errors import LockNotAvailable
from rest_framework.exceptions import ValidationError

from accounts.models import IdempotencyKey, User
from base.problems import Conflict, Unprocessable

HEADER = "Idempotency-Key"


@dataclass(frozen=True, slots=True)
class Answer:
    """A stored answer: `body` is the JSON text as it was, or will be, sent."""

    status: int
    body: str
    is_replay: bool

    def as_response(self, **headers: str) -> HttpResponse:
        if self.is_replay:
            headers["Idempotency-Replayed"] = "true"
        return HttpResponse(self.body, status=self.status, content_type="application/json", headers=headers)


class InProgress(Conflict):
    """The first request with this key has not been answered yet."""

    default_detail = "A request with this Idempotency-Key is still in progress."
    wait = 2  # seconds, as Retry-After


INSERT = """
INSERT INTO accounts_idempotencykey (user_id, address, endpoint, key, request_hash, body)
VALUES (%s, %s, %s, %s, %s, '')
ON CONFLICT DO NOTHING RETURNING id
"""


def begin(*, user: User | None, address: str = "", endpoint: str, key: str, body: Any) -> Answer | None:
    """Claim a key inside the caller's transaction, before any effect. None: do the work, then call `finish`.

    address: whose key it is where there is no account. An Answer: it was done before. Waits for a rival with the same
    key up to the connection's lock_timeout.
    Raises ValidationError for a malformed key, Unprocessable when the key came with another body, InProgress.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("begin an idempotent request inside the transaction of its effect")
    if not re.fullmatch(r"[\x20-\x7e]{1,255}", key):
        raise ValidationError({HEADER: ["1 to 255 printable ASCII characters."]})
    request_hash = fingerprint(body)
    for _ in range(3):
        if _insert([user and user.pk, address, endpoint, key, request_hash]):
            return None
        known = IdempotencyKey.objects.filter(user=user, address=address, endpoint=endpoint, key=key).first()
        if known is not None:
            return _replay(known, request_hash)
        # It was forgotten between the two statements: ours to take now.
    raise InProgress


def finish(*, user: User | None, address: str = "", endpoint: str, key: str, status: int, body: bytes | str) -> Answer:
    """Keep the answer, in the transaction of `begin`; `body` is the rendered JSON."""
    text = body.decode() if isinstance(body, bytes) else body
    mine = IdempotencyKey.objects.filter(user=user, address=address, endpoint=endpoint, key=key)
    changed = mine.filter(status=None).update(status=status, body=text)
    if not changed:
        raise RuntimeError(f"{endpoint}: finish without begin")
    return Answer(status, text, is_replay=False)


def fingerprint(body: Any) -> str:
    """SHA-256 of the canonical JSON of a parsed request; the order of keys does not matter."""
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _insert(values: list[Any]) -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute(INSERT, values)
            return cursor.fetchone() is not None
    except OperationalError as error:
        if isinstance(error.__cause__, LockNotAvailable):
            raise InProgress from None
        raise


def _replay(known: IdempotencyKey, request_hash: str) -> Answer:
    if known.request_hash != request_hash:
        raise Unprocessable("This Idempotency-Key was used with another request.")
    if known.status is None:
        raise InProgress
    return Answer(known.status, known.body, is_replay=True)
