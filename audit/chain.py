"""The hash chain: SHA-256 over the canonical JSON of an entry, its number and the hash before it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC

from audit.models import Entry, Seal

GENESIS = "0" * 64


@dataclass(frozen=True, slots=True)
class Fault:
    """A place where the trail is not what was sealed."""

    sequence: int
    entry_id: int | None
    reason: str

    def __str__(self) -> str:
        return f"#{self.sequence} (entry {self.entry_id}): {self.reason}"


def entry_hash(sequence: int, previous_hash: str, entry: Entry) -> str:
    """The seal's hash, lowercase hexadecimal."""
    content = {
        "sequence": sequence,
        "previous_hash": previous_hash,
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
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def faults(*, step: int = 1_000) -> Iterator[Fault]:
    """Walk the chain `step` links at a time and yield every edited, removed, inserted or re-ordered entry."""
    expected, previous, after = 1, GENESIS, 0
    while links := list(Seal.objects.filter(sequence__gt=after).order_by("sequence")[:step]):
        entries = Entry.objects.in_bulk([link.entry_id for link in links])
        for link in links:
            for missing in range(expected, link.sequence):
                yield Fault(missing, None, "the seal is missing: an entry was removed")
            if link.previous_hash != previous:
                yield Fault(link.sequence, link.entry_id, "does not follow the seal before it")
            entry = entries.get(link.entry_id)
            if entry is None:
                yield Fault(link.sequence, link.entry_id, "the entry was removed")
            elif entry_hash(link.sequence, link.previous_hash, entry) != link.hash:
                yield Fault(link.sequence, link.entry_id, "the entry was edited")
            previous, expected = link.hash, link.sequence + 1
        after = links[-1].sequence
