"""Write the trail, and seal it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from django.db import connection, transaction
from django.db.models import Max

from audit import chain
from audit.models import Entry, Seal
from audit.redaction import redacted
from base import context, statements

SEAL_LOCK = 0x6D696C6C  # one sealer at a time, whichever process it runs in
TRY, WAIT = "SELECT pg_try_advisory_xact_lock(%s)", "SELECT pg_advisory_xact_lock(%s)"
LATE = 20_000  # how many ids before the newest sealed one are looked through each time


def log_audit_event(
    action: str,
    entity_type: str,
    entity_id: object,
    metadata: dict[str, Any] | None = None,
    *,
    actor: str | None = None,
    status: str = Entry.Status.SUCCESS,
) -> Entry:
    """Note one action in the caller's transaction; see `entry_of`."""
    entry = entry_of(action, entity_type, entity_id, metadata, actor=actor, status=status)
    store_entries([entry])
    return entry


def entry_of(
    action: str,
    entity_type: str,
    entity_id: object,
    metadata: dict[str, Any] | None = None,
    *,
    actor: str | None = None,
    status: str = Entry.Status.SUCCESS,
) -> Entry:
    """An entry that is not stored yet. Actor, address, agent and correlation id come from the context.

    `metadata` is JSON; what its keys name as a secret is replaced (audit.redaction).
    """
    now = context.current()
    return Entry(
        action=action,
        entity_type=entity_type,
        entity_id=str(entity_id),
        metadata=redacted(metadata or {}),
        actor=actor or now.actor,
        status=status,
        ip=now.ip,
        user_agent=now.user_agent,
        correlation_id=now.correlation_id,
    )


COLUMNS = "action, entity_type, entity_id, actor, status, ip, user_agent, correlation_id, metadata"
INSERT = f"""
INSERT INTO audit_entry (at, {COLUMNS})
SELECT coalesce(at, statement_timestamp()), {COLUMNS} FROM jsonb_to_recordset($1::jsonb) AS entry(
  at timestamptz, action text, entity_type text, entity_id text, actor text, status text, ip inet, user_agent text,
  correlation_id text, metadata jsonb)
RETURNING id, at
"""  # noqa: S608 - our own names


def store_entries(entries: Sequence[Entry]) -> None:
    """Note actions in the caller's transaction, in this order, by one statement. `at` is now where it is not given."""
    names = COLUMNS.split(", ")
    rows = [
        {name: getattr(entry, name) for name in names}
        | ({"at": entry.at.isoformat()} if isinstance(entry.at, datetime) else {})
        for entry in entries
    ]
    with connection.cursor() as cursor:
        statements.execute(cursor, INSERT, [json.dumps(rows)])
        for entry, (number, at) in zip(entries, cursor.fetchall(), strict=True):
            entry.pk, entry.at, entry._state.adding = number, at, False


def seal(*, limit: int = 5_000, everywhere: bool = False, wait: bool = False) -> int:
    """Chain committed entries that have no seal yet, oldest id first. Returns how many.

    Entries get their number when they are sealed, so one whose transaction commits late is never skipped: what is late
    by up to 20,000 ids is found each time, the rest by a look `everywhere`. wait: for another sealer, instead of
    leaving it to that one.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(WAIT if wait else TRY, [SEAL_LOCK])
        if not wait and not cursor.fetchone()[0]:
            return 0
        newest = Seal.objects.aggregate(Max("entry_id"))["entry_id__max"] or 0
        found = chain.unsealed(0 if everywhere else newest - LATE)
        entries = list(Entry.objects.filter(pk__in=list(islice(found, limit))).order_by("id"))
        if not entries:
            return 0
        head = Seal.objects.order_by("-sequence").first()
        sequence, previous = (head.sequence, head.hash) if head else (0, chain.GENESIS)
        seals = []
        for entry in entries:
            sequence += 1
            digest = chain.entry_hash(sequence, previous, entry)
            seals.append(Seal(sequence=sequence, entry=entry, previous_hash=previous, hash=digest))
            previous = digest
        Seal.objects.bulk_create(seals, batch_size=1_000)
        return len(seals)


def seal_late() -> int:
    """Seal what committed so late that `seal` does not see it. Looks through the whole trail, in steps."""
    return seal(everywhere=True)
