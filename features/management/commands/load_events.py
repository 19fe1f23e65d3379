"""Load raw events from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from features.intake.eventfiles import BadRow, FileNotRead, open_events
from features.intake.ingest import store
from features.tasks import request_refresh
from features.values.extraction import entity_types

SHOWN = 20


class Command(BaseCommand):
    help = (
        "Load events from CSV or Parquet with the columns source, source_id, event_type, entity_id, event_time, and "
        "either data (a JSON object) or one column for each key of the data. Events that are there already count "
        "once, so a load that was stopped is continued by starting it again."
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--batch-size", type=int, default=5_000, help="events in one transaction")
        parser.add_argument("--no-refresh", action="store_true", help="leave the features to backfill_features")
        parser.add_argument("--skip-bad", action="store_true", help="leave out rows that are no proper events")

    def handle(self, *args: Any, file: Path, batch_size: int, no_refresh: bool, skip_bad: bool, **options: Any) -> None:
        if not file.is_file():
            raise CommandError(f"{file} is not a file")
        if batch_size < 1:
            raise CommandError("--batch-size must be at least 1")
        self.read = self.added = self.bad = 0
        try:
            self._load(file, batch_size, skip_bad)
        except (BadRow, FileNotRead) as error:
            stored = f"{self.read} events read, {self.added} new, before it"
            hint = "; --skip-bad leaves such rows out" if isinstance(error, BadRow) else ""
            raise CommandError(f"{error} ({stored}{hint})") from None
        finally:
            if self.added and not no_refresh:
                for entity_type in entity_types():
                    request_refresh(entity_type)
        left_out = f", {self.bad} bad rows left out" if self.bad else ""
        known = self.read - self.added
        self.stdout.write(f"{self.read} events read, {self.added} new, {known} known before{left_out}")

    def _load(self, file: Path, batch_size: int, skip_bad: bool) -> None:
        with self._bar() as bar, open_events(file) as events:
            row = bar.add_task(file.name, total=events.size)
            batch: list[dict[str, Any]] = []
            try:
                for found in events:
                    if not isinstance(found, BadRow):
                        batch.append(found)
                    elif skip_bad:
                        self._leave_out(found)
                    else:
                        raise found
                    if len(batch) >= batch_size:
                        self._store(batch)
                        batch = []
                        bar.update(row, completed=events.done, description=f"{file.name}: {self.added} new")
            finally:
                self._store(batch)
            bar.update(row, completed=events.size)

    def _store(self, batch: list[dict[str, Any]]) -> None:
        if batch:
            done = store(batch, refresh=False)
            self.read, self.added = self.read + done.accepted, self.added + done.added

    def _leave_out(self, bad: BadRow) -> None:
        self.bad += 1
        if self.bad <= SHOWN:
            self.stderr.write(f"  {bad}")
        elif self.bad == SHOWN + 1:
            self.stderr.write("  and more")

    def _bar(self) -> Progress:
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        return Progress(*columns, console=console, disable=not console.is_terminal)
