"""Register the recordings of a directory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from base.context import acting, new_correlation_id
from recordings.intake.registering import Outcome, Registration


class Command(BaseCommand):
    help = (
        "Register the SigMF recordings of a directory (.sigmf-meta with .sigmf-data, or .sigmf archives) where they "
        "are, as one completed session. Those that are registered already are passed over, so it can be started "
        "again; what cannot be read is told with its reason, and the rest goes on."
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("directory", type=Path)
        parser.add_argument("--session", help="its name; without it, the name of the directory")
        parser.add_argument("--recursive", action="store_true", help="folders within it too")
        parser.add_argument("--copy", action="store_true", help="keep the samples below MEDIA_ROOT")
        parser.add_argument("--json", action="store_true", help="tell the outcome as JSON")

    def handle(self, *args: Any, directory: Path, **options: Any) -> None:
        if not directory.is_dir():
            raise CommandError(f"{directory} is not a directory")
        name = directory.resolve().name or "/" if options["session"] is None else options["session"]
        if not 1 <= len(name) <= 200 or not name.isprintable():
            raise CommandError("--session must be 1 to 200 characters, on one line")
        registration = Registration(directory, name=name, recursive=options["recursive"], copy=options["copy"])
        with acting(actor="command:register_recordings", correlation_id=new_correlation_id()), self._bar() as bar:
            row = bar.add_task(name, total=None if bar.disable else registration.bytes_to_read())
            outcome = registration.run(lambda size: bar.advance(row, size))
        if options["json"]:
            self.stdout.write(json.dumps(outcome.as_json()))
        else:
            self._tell(outcome)

    def _tell(self, outcome: Outcome) -> None:
        for refused in outcome.refused:
            self.stderr.write(f"  {refused['file']}: {refused['reason']}")
        where = f" in session {outcome.session}" if outcome.session else ""
        self.stdout.write(
            f"{outcome.registered} registered{where} ({outcome.samples:,} samples, {outcome.bytes:,} bytes), "
            f"{outcome.known} known before, {len(outcome.refused)} refused"
        )

    def _bar(self) -> Progress:
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
        return Progress(*columns, console=console, disable=not console.is_terminal)
