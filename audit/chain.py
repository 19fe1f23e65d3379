"""The hash chain: SHA-256 over the canonical JSON of an entry, its number and the hash before it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import UTC
from typing import Any

from django.db.models import Q

from audit.models import Entry, Seal

GENESIS = "0" * 64
STEP = 20_000


def entries_of(ids: Sequence[int], condition: Q | None = None) -> dict[int, Entry]:
    """The entries of neighbouring seals that meet a condition, by id."""
    if not ids:
        return {}
    near = Entry.objects.filter(condition or Q(), pk__range=(min(ids), max(ids)))  # which an index finds in one go
    return {entry.pk: entry for entry in near.filter(pk__in=ids)}


def unsealed(after: int) -> Iterator[int]:
    """Ids of entries without a seal, rising, of those after an id. Looked through in steps: a join would read all."""
    while ids := list(Entry.objects.filter(id__gt=after).order_by("id").values_list("id", flat=True)[:STEP]):
        span = Seal.objects.filter(entry_id__gt=after, entry_id__lte=ids[-1])
        sealed = set(span.values_list("entry_id", flat=True))
        yield from (one for one in ids if one not in sealed)
        after = ids[-1]


def content(entry: Entry) -> dict[str, Any]:
    """All that an entry says, as it is sealed and exported."""
    return {
        "id": entry.pk,
        "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "action": entry.action,
        "entity_type": entry.entity_type,
        "entity_id": entry.entity_id,
        "actor": entry.actor,
        "status": entry.status,
        "ip": entry.ip,
        "user_agent": entry.user_agent,
        "correlation_id": entry.correlation_id,
        "metadata": entry.metadata,
    }


def entry_hash(sequence: int, previous_hash: str, entry: Entry) -> str:
    """The seal's hash, lowercase hexadecimal."""
    return hash_of({"sequence": sequence, "previous_hash": previous_hash, **content(entry)})


def hash_of(content: dict[str, Any]) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
