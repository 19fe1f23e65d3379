"""Check the audit trail's hash chain."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models.functions import Now

from audit import chain
from audit.models import Entry, Seal

SEALING_PROMISE = timedelta(minutes=5)


class Command(BaseCommand):
    help = "Check every link of the audit trail; name each entry that was edited, removed or inserted."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--head", help="a hash noted earlier; the chain must still contain it")

    def handle(self, *args: Any, head: str | None = None, **options: Any) -> None:
        found = 0
        for fault in chain.faults():
            found += 1
            self.stderr.write(str(fault))
        late = Entry.objects.filter(seal=None, at__lt=Now() - SEALING_PROMISE).count()
        if late:
            found += 1
            self.stderr.write(f"{late} entries are older than {SEALING_PROMISE} and not sealed")
        if head and not Seal.objects.filter(hash=head).exists():
            found += 1
            self.stderr.write(f"the head {head} is no longer in the chain: its end was cut or rewritten")
        if found:
            raise CommandError(f"the audit trail has {found} faults")
        last = Seal.objects.order_by("-sequence").first()
        sealed, hash_ = (last.sequence, last.hash) if last else (0, chain.GENESIS)
        self.stdout.write(f"ok: {sealed} entries, head {hash_}")
