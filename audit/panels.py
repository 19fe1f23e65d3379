"""What pages of the console show of the trail; other apps' pages show `trail_panel`."""

from __future__ import annotations

from typing import Any

from audit import chain
from audit.models import Entry, Seal
from base.links import actor_link, may_view, row_link
from base.panels import BAD, GOOD, WARN, Facts, Table, badge, code, when

TONES = {Entry.Status.SUCCESS: GOOD, Entry.Status.FAILURE: BAD, Entry.Status.DENIED: WARN}


def seal_panel(user: Any, row: Entry) -> Facts:
    """The entry's link of the hash chain, computed again on the spot."""
    seal: Seal | None = getattr(row, "seal", None)
    if seal is None:
        return Facts(title="Seal", rows=[("State", "Not sealed yet; a background task does it within a minute.")])
    intact = chain.entry_hash(seal.sequence, seal.previous_hash, row) == seal.hash
    near = Seal.objects.in_bulk([seal.sequence - 1, seal.sequence + 1])
    before, after = near.get(seal.sequence - 1), near.get(seal.sequence + 1)
    follows = seal.previous_hash == (before.hash if before else chain.GENESIS if seal.sequence == 1 else "")
    return Facts(
        title=f"Seal #{seal.sequence}",
        rows=[
            ("Content", badge("matches its hash", GOOD) if intact else badge("was edited after sealing", BAD)),
            ("Chain", badge("follows the seal before it", GOOD) if follows else badge("does not follow", BAD)),
            ("Hash", code(seal.hash)),
            ("Previous hash", code(seal.previous_hash)),
            ("Sealed", when(seal.sealed_at)),
            ("Before", before and row_link(user, Entry, before.entry_id, f"#{before.sequence}")),
            ("After", after and row_link(user, Entry, after.entry_id, f"#{after.sequence}")),
        ],
    )


def trail_panel(user: Any, entity_type: str, entity_id: object, *, limit: int = 10) -> list[Table]:
    """The newest entries about something, for its page; nothing for a user who may not see the trail."""
    if not may_view(user, Entry):
        return []
    entries = Entry.objects.filter(entity_type=entity_type, entity_id=str(entity_id)).order_by("-id")[:limit]
    rows = [
        (when(e.at), row_link(user, Entry, e.pk, e.action), badge(e.status, TONES[Entry.Status(e.status)]),
         actor_link(user, e.actor), e.metadata.get("reason", ""))
        for e in entries
    ]  # fmt: skip
    return [Table(title="Audit trail", headers=["At", "Action", "Outcome", "Actor", "Reason"], rows=rows)]
