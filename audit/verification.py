"""Hold the trail against its seals, and the seals against the signed heads. Memory does not grow with the trail."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice

from django.db.models import Max
from django.db.models.functions import Now

from audit import chain, heads
from audit.chain import GENESIS, entries_of, entry_hash
from audit.heads import Head
from audit.headstore import HeadStore
from audit.models import Entry, Seal

SEALING_PROMISE = timedelta(minutes=5)
NAMED = 20  # entries without a seal that are named one by one
STEP = 2_000

Pair = tuple[Seal, Entry]


@dataclass(frozen=True, slots=True)
class Fault:
    """A place where the trail is not what was sealed and signed.

    kind: edited, removed, reordered, unlinked, rebuilt, cut, unsealed, or of the heads: forged_head, missing_heads.
    sequence: number in the chain, up to `until` where it is a range; of a head its line.
    """

    kind: str
    reason: str
    sequence: int | None = None
    until: int | None = None
    entry_id: int | None = None

    def __str__(self) -> str:
        mark = "head line " if self.kind == "forged_head" else "#"
        place = "" if self.sequence is None else f"{mark}{self.sequence}"
        place += f" to {mark[-1].strip()}{self.until}" if self.until not in (None, self.sequence) else ""
        entry = f" (entry {self.entry_id})" if self.entry_id is not None else ""
        return f"{place}{entry}: {self.reason}".lstrip(" :")


class Verification:
    """One walk over the whole trail. `sealed`, `head` and `signed` tell afterwards what was found.

    store: of the signed heads; None where none are kept.
    progress(done, total): called now and then with numbers of seals.
    """

    def __init__(
        self, store: HeadStore | None, *, progress: Callable[[int, int], None] = lambda done, total: None
    ) -> None:
        self.store, self.progress = store, progress
        self.sealed, self.head, self.signed = 0, GENESIS, 0
        self._agreed = 0  # the highest number whose hash a signed head confirms
        self._rebuilt = False
        self._forged: list[Fault] = []

    def faults(self) -> Iterator[Fault]:
        signed = self._heads()
        waiting = next(signed, None)
        total = Seal.objects.aggregate(Max("sequence"))["sequence__max"] or 0
        while links := list(Seal.objects.filter(sequence__gt=self.sealed).order_by("sequence")[:STEP]):
            entries = entries_of([link.entry_id for link in links])
            broken: list[Pair] = []
            for link in links:
                yield from self._place(link)
                if (entry := entries.get(link.entry_id)) is None:
                    yield Fault("removed", "the entry was removed", link.sequence, entry_id=link.entry_id)
                elif entry_hash(link.sequence, link.previous_hash, entry) != link.hash:
                    broken.append((link, entry))
                while waiting is not None and waiting.sequence <= link.sequence:
                    yield from self._compare(waiting, link)
                    waiting = next(signed, None)
                self.sealed, self.head = link.sequence, link.hash
            yield from _told_apart(broken)
            self.progress(self.sealed, max(total, self.sealed))
        yield from self._cut(waiting, signed)
        yield from self._forged
        if self.store is not None and self.sealed and not self.signed:
            reason = "there are no signed heads: without them a rebuilt chain or a cut end cannot be told"
            yield Fault("missing_heads", reason)
        yield from unsealed()

    def _place(self, link: Seal) -> Iterator[Fault]:
        if link.sequence > self.sealed + 1:
            reason = "the seal is missing: an entry was removed"
            yield Fault("removed", reason, self.sealed + 1, until=link.sequence - 1)
        elif link.previous_hash != self.head:
            yield Fault("unlinked", "does not follow the seal before it", link.sequence, entry_id=link.entry_id)

    def _compare(self, head: Head, link: Seal) -> Iterator[Fault]:
        """Of a chain built anew from somewhere on every later head disagrees; the first one tells where."""
        if (head.sequence, head.hash) == (link.sequence, link.hash):
            self._agreed = head.sequence
        elif head.sequence == link.sequence and not self._rebuilt:
            self._rebuilt = True
            reason = f"rebuilt after the head was signed at {head.signed_at}: an entry was inserted, removed or changed"
            yield Fault("rebuilt", reason, self._agreed + 1, until=head.sequence)

    def _cut(self, waiting: Head | None, signed: Iterator[Head]) -> Iterator[Fault]:
        """Heads after the last seal. The trail may have grown since that was read."""
        last = None
        while waiting is not None:
            link = Seal.objects.filter(sequence=waiting.sequence).first() if last is None else None
            if link is not None:
                yield from self._compare(waiting, link)
            else:
                last = waiting
            waiting = next(signed, None)
        if last is not None:
            reason = f"the end was cut: the head of {last.signed_at} is not in the trail"
            yield Fault("cut", reason, self.sealed + 1, until=last.sequence)

    def _heads(self) -> Iterator[Head]:
        """Genuine heads in rising order; what else stands among them is a fault."""
        before, after_forged = None, False
        for number, line in enumerate(self.store.lines() if self.store else (), 1):
            if (head := heads.read(line)) is None:
                self._refuse(number, "a signed head was edited or forged")
            elif before and head.sequence < before.sequence or not after_forged and head.previous != _signature(before):
                self._refuse(number, "signed heads before this one are missing, or they were re-ordered")
            if head is not None and (before is None or head.sequence >= before.sequence):
                self.signed += 1
                before = head
                yield head
            after_forged = head is None

    def _refuse(self, line: int, reason: str) -> None:
        last = self._forged[-1] if self._forged else None
        if last and last.reason == reason and last.until == line - 1:
            self._forged[-1] = replace(last, until=line)
        else:
            self._forged.append(Fault("forged_head", reason, line, until=line))


def _signature(head: Head | None) -> str:
    return head.signature if head else ""


def _told_apart(broken: list[Pair]) -> Iterator[Fault]:
    """Of seals that do not fit their entries: was the entry edited, or does its seal stand in another place?"""
    near = broken if len(broken) <= NAMED else []
    places, others = [seal.sequence for seal, _ in near], [entry for _, entry in near]
    for link, entry in broken:
        moved = any(entry_hash(place, link.previous_hash, entry) == link.hash for place in places) or any(
            entry_hash(link.sequence, link.previous_hash, other) == link.hash for other in others
        )
        kind, reason = ("reordered", "was re-ordered") if moved else ("edited", "the entry was edited")
        yield Fault(kind, reason, link.sequence, entry_id=entry.pk)


def unsealed() -> Iterator[Fault]:
    """Entries older than the sealing promise that have no seal: the sealer stands still, or they were slipped in."""
    waiting, count = chain.unsealed(0), 0
    while open_ids := list(islice(waiting, STEP)):
        for entry in Entry.objects.filter(pk__in=open_ids, at__lt=Now() - SEALING_PROMISE).order_by("id"):
            count += 1
            if count <= NAMED:
                yield Fault("unsealed", f"not sealed since {entry.at.isoformat()}", entry_id=entry.pk)
    if count > NAMED:
        yield Fault("unsealed", f"{count} entries are older than {SEALING_PROMISE} and not sealed")
