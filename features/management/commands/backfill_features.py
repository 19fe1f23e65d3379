"""Compute features for everything that waits."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.utils.dateparse import parse_datetime
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from audit.services import log_audit_event
from base.context import acting, new_correlation_id
from features import coverage, extraction
from features.materialize import Refreshed


class Command(BaseCommand):
    help = (
        "Compute and store the features of every entity that has none or has uncounted events. Safe to stop and "
        "start again, beside live traffic and beside itself."
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--entity", help="only this entity type")
        parser.add_argument("--batch-size", type=int, default=500, help="entities in one transaction (1-5000)")
        parser.add_argument("--max-batches", type=int, default=1_000_000, help="stop after so many batches")
        parser.add_argument("--as-of", help="a past time with zone (ISO 8601): add values of that time to the history")
        parser.add_argument("--all", action="store_true", help="also entities that are up to date")
        parser.add_argument("--dry-run", action="store_true", help="say what would be done, and compute nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        as_of = self._time(options["as_of"])
        if not 1 <= options["batch_size"] <= 5_000:
            raise CommandError("--batch-size must be from 1 to 5000")
        if as_of and options["all"]:
            raise CommandError("--as-of already covers every entity; leave out --all")
        known = extraction.entity_types()
        if options["entity"] and options["entity"] not in known:
            raise CommandError(f"--entity must be one of: {', '.join(known) or 'none is declared'}")
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = '30s'")
        for entity_type in [options["entity"]] if options["entity"] else known:
            self._backfill(entity_type, as_of, options)

    def _backfill(self, entity_type: str, as_of: datetime | None, options: dict[str, Any]) -> None:
        limit = 2_147_483_647
        if options["all"]:
            total = len(coverage.known_entities(entity_type, limit=limit))
        else:
            total = len(coverage.waiting_entities(entity_type, limit=limit, as_of=as_of))
        if options["dry_run"]:
            self.stdout.write(f"{entity_type}: {total} entities would be computed")
            return
        done, started = Refreshed(), time.monotonic()
        batches = extraction.extract(
            entity_type,
            batch_size=options["batch_size"],
            max_batches=options["max_batches"],
            as_of=as_of,
            everyone=options["all"],
        )
        with acting(actor="command:backfill_features", correlation_id=new_correlation_id()), self._bar() as bar:
            row = bar.add_task(entity_type, total=total)
            for batch in batches:
                done.add(batch)
                bar.advance(row, batch.entities + len(batch.failed))
            if done.unrepaired:
                for part in extraction.repair_histories(entity_type):
                    done.failed |= part.failed
            log_audit_event(
                "features_backfilled",
                "entity_type",
                entity_type,
                {"entities": done.entities, "failed": len(done.failed), "as_of": as_of.isoformat() if as_of else None},
            )
        seconds = time.monotonic() - started
        rate = done.entities / seconds if seconds else 0
        self.stdout.write(
            f"{entity_type}: {done.entities} entities and {done.events} events in {seconds:.1f} s "
            f"({rate:,.0f} entities/s), {len(done.failed)} failed"
        )
        for entity_id, error in list(done.failed.items())[:20]:
            self.stderr.write(f"  {entity_id}: {error}")
        if as_of is None:
            for row_ in coverage.coverage():
                if row_.entity_type == entity_type:
                    self.stdout.write(f"  {row_.feature_set}@{row_.version}: coverage {row_.percent} %")

    def _bar(self) -> Progress:
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        return Progress(*columns, console=console, disable=not console.is_terminal)

    def _time(self, text: str | None) -> datetime | None:
        if text is None:
            return None
        try:
            moment = parse_datetime(text)
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            raise CommandError("--as-of must be a date and time with its zone, such as 1998-12-31T00:00:00Z")
        return moment
