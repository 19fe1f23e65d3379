"""Check the audit trail against its seals and the signed heads."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from audit.heads import kept
from audit.headstore import store_at
from audit.models import Seal
from audit.verification import Fault, Verification

FAULTY, UNSIGNED = 1, 2
TOLD = 1_000  # faults that JSON holds
NO_PLACE = "AUDIT_HEADS names no place for signed heads: a rebuilt chain or a cut end cannot be told."


class Command(BaseCommand):
    help = (
        "Check every link of the audit trail against the signed heads; name each entry that was edited, removed, "
        "inserted or re-ordered, and a cut end. Exit code 0: intact; 1: faults; 2: intact, but heads are missing."
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--head", help="a hash noted earlier; the chain must still contain it")
        parser.add_argument("--heads", help="where the signed heads are, instead of AUDIT_HEADS")
        parser.add_argument("--json", action="store_true", help="tell it as JSON")

    def handle(self, *args: Any, head: str | None = None, heads: str | None = None, **options: Any) -> None:
        store = kept() if heads is None else store_at(heads)
        loud = not options["json"]
        found: list[dict[str, Any]] = []
        kinds = Counter[str]()
        with self._bar() as progress:
            walk = Verification(store, progress=progress)
            for fault in self._faults(walk, head):
                kinds[fault.kind] += 1
                if loud:
                    self.stderr.write(str(fault))
                elif len(found) < TOLD:
                    found.append(asdict(fault))
        if store is None and loud:
            self.stderr.write(NO_PLACE)
        if not loud:
            told = {"ok": not kinds, "sealed": walk.sealed, "head": walk.head, "heads_kept": store is not None,
                    "signed_heads": walk.signed, "counts": kinds, "faults": found}  # fmt: skip
            self.stdout.write(json.dumps(told))
        elif not kinds:
            self.stdout.write(f"ok: {walk.sealed} entries, head {walk.head}, {walk.signed} signed heads")
        if kinds:
            code = UNSIGNED if set(kinds) == {"missing_heads"} else FAULTY
            raise CommandError(f"the audit trail has {kinds.total()} faults", returncode=code)

    def _faults(self, walk: Verification, head: str | None) -> Iterator[Fault]:
        yield from walk.faults()
        if head and not Seal.objects.filter(hash=head).exists():
            yield Fault("cut", f"the head {head} is no longer in the chain: its end was cut or rewritten")

    @contextmanager
    def _bar(self) -> Iterator[Callable[[int, int], None]]:
        columns = [TextColumn("seals"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()]
        console = Console(stderr=True)
        with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
            shown = bar.add_task("")
            yield lambda done, total: bar.update(shown, completed=done, total=total)
