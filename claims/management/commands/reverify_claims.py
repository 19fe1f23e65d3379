"""Verify claims again whose evidence has changed."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from audit.services import log_audit_event
from base.context import acting, new_correlation_id
from claims import tasks
from claims.verification import asking, outdated


class Command(BaseCommand):
    help = (
        "Queue a verification of each claim whose verdict looked into an older version of a corpus. Workers do them "
        "when nothing else waits; the console shows what flipped. Asking twice queues nothing twice."
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--corpus", help="only what rests on this corpus")
        parser.add_argument("--dry-run", action="store_true", help="say how many there are, and queue none")

    def handle(self, *, corpus: str | None, dry_run: bool, **options: Any) -> None:
        try:
            asking.refuse_unknown([corpus] if corpus else [])
        except (asking.UnknownCorpus, asking.NoEvidence) as error:
            raise CommandError(str(error)) from None
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = '60s'")
        if dry_run:
            self.stdout.write(f"{outdated.count_outdated(corpus):,} claims would be verified again")
            return
        with acting(actor="command:reverify_claims", correlation_id=new_correlation_id()):
            queued = max(tasks.queue_outdated(corpus), default=0)
            log_audit_event("reverification_requested", "corpus", corpus or "", {"queued": queued})
        self.stdout.write(f"{queued:,} claims queued for verification")
