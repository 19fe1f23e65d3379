"""What pages of the console show of the trail; other apps' pages show `trail_panel`."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from audit import chain
from audit.models import Entry, Seal
from base.links import actor_link, actor_names, entity_link, may_view, row_link
from base.panels import BAD, GOOD, IDLE, WARN, Facts, Panel, Table, anchor, badge, code, lasting, some, when

COUNTED, PAGE = 1_000, 200  # entries that are counted one by one; that one page of a timeline shows
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
    about = Entry.objects.filter(entity_type=entity_type, entity_id=str(entity_id))
    shown = list(about.order_by("-id")[:limit])
    names = actor_names(e.actor for e in shown)
    rows = [
        (when(e.at), row_link(user, Entry, e.pk, e.action), badge(e.status, TONES[Entry.Status(e.status)]),
         actor_link(user, e.actor, names.get(e.actor, "")), e.metadata.get("reason", ""))
        for e in shown
    ]  # fmt: skip
    count = some(about.order_by()[: COUNTED + 1].count(), COUNTED) if rows else "0"
    return [
        Table(
            title=f"Audit trail: all {count} entries",
            href=timeline_url(entity_type, entity_id) if rows else "",
            headers=["At", "Action", "Outcome", "Actor", "Reason"],
            rows=rows,
        )
    ]


def timeline_url(entity_type: str, entity_id: object) -> str:
    """The page of everything that was noted about something."""
    return reverse("admin:audit_entry_timeline", args=[entity_type, str(entity_id)])


def timeline(user: Any, entity_type: str, entity_id: str, *, after: int) -> list[Panel]:
    """Everything noted about something in the order it was noted, from the entry after the one with this id."""
    about = Entry.objects.filter(entity_type=entity_type, entity_id=entity_id)
    found = list(about.filter(id__gt=after).select_related("seal").order_by("id")[: PAGE + 1])
    shown = found[:PAGE]
    rows, names, before = [], actor_names(e.actor for e in shown), about.filter(id__lte=after).order_by("-id").first()
    for e in shown:
        seal: Seal | None = getattr(e, "seal", None)
        rows.append(
            (when(e.at), lasting(e.at - before.at) if before else "", row_link(user, Entry, e.pk, e.action),
             badge(e.status, TONES[Entry.Status(e.status)]), actor_link(user, e.actor, names.get(e.actor, "")),
             e.metadata.get("reason", ""), badge(f"#{seal.sequence}", GOOD) if seal else badge("not yet", IDLE))
        )  # fmt: skip
        before = e
    here = timeline_url(entity_type, entity_id)
    first, last = about.order_by("id").first(), about.order_by("-id").first()
    facts = Facts(
        title=f"{entity_type}:{entity_id}",
        rows=[
            ("Page of", entity_link(user, entity_type, entity_id)),
            ("Entries", some(about.order_by()[: COUNTED + 1].count(), COUNTED)),
            ("First", when(first.at) if first else ""),
            ("Last", when(last.at) if last else ""),
            ("From the start", anchor(here, "first entries") if after else ""),
            ("Further", anchor(f"{here}?after={shown[-1].pk}", "next entries") if len(found) > PAGE else ""),
        ],
    )
    headers = ["At", "Later by", "Action", "Outcome", "Actor", "Reason", "Seal"]
    return [facts, Table(title="Timeline", headers=headers, rows=rows, empty="Nothing was noted.")]
