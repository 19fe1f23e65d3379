"""Load documents that claims are held against."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.core.validators import URLValidator, validate_slug
from django.forms import ValidationError
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from base.context import acting, new_correlation_id
from claims.evidence import files, loading, sources
from claims.evidence.files import BadRow

SHOWN = 20


class Command(BaseCommand):
    help = (
        "Make a corpus hold what a file holds: JSON lines or Parquet with id, title, url, and sentences (a list) or "
        "text. Known sets are read as their authors publish them. What changed gets a new version, what is gone is "
        "closed and kept; loading the same again changes nothing. Rows that hold no document are named and left out."
    )

    def add_arguments(self, parser: Any) -> None:
        known = ", ".join(sources.SOURCES)
        parser.add_argument("name", help=f"of the corpus; known sets are {known}")
        parser.add_argument("--data", type=Path, required=True, help="the file, or for a known set its folder")
        parser.add_argument("--format", choices=["general", *sources.SOURCES], help="if not that of the name")
        parser.add_argument("--title")
        parser.add_argument("--licence")
        parser.add_argument("--source-url")
        parser.add_argument("--keep-missing", action="store_true", help="documents that the file lacks stay")
        parser.add_argument("--dry-run", action="store_true", help="say what would change, and change nothing")
        parser.add_argument("--json", action="store_true", help="the outcome as one JSON object")

    def handle(self, *, name: str, data: Path, format: str | None, **options: Any) -> None:
        known = sources.SOURCES.get(format or name) if format != "general" else None
        described = self._described(name, known, options)
        started = time.monotonic()
        try:
            path = files.find(data, *(known.files if known else ()))
            with acting(actor="command:load_evidence", correlation_id=new_correlation_id()):
                loaded = self._load(name, path, known, described, options)
        except (files.FileNotRead, loading.NothingToLoad) as error:
            raise CommandError(str(error)) from None
        self._tell(loaded, time.monotonic() - started, options)

    def _described(self, name: str, known: sources.Source | None, options: dict[str, Any]) -> dict[str, str]:
        told = {key: options[key] or "" for key in ("title", "licence", "source_url")}
        try:
            validate_slug(name)
            if told["source_url"]:
                URLValidator(schemes=["http", "https"])(told["source_url"])
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        if len(name) > 60 or max(map(len, told.values())) > 200:
            raise CommandError("A name may have at most 60 characters; title, licence and source at most 200.")
        if known:
            told = {
                "title": told["title"] or known.title,
                "licence": told["licence"] or known.licence,
                "source_url": told["source_url"] or known.url,
            }
        return told

    def _load(
        self, name: str, path: Path, known: sources.Source | None, described: dict[str, str], options: dict[str, Any]
    ) -> loading.Loaded:
        self.bad = 0
        with self._bar() as bar, files.opened(path) as rows:
            line = bar.add_task(path.name, total=rows.size)
            loaded = loading.load(
                name,
                sources.documents(rows, known.read if known else sources.general),
                **described,
                keep_missing=options["keep_missing"],
                dry_run=options["dry_run"],
                on_bad=self._leave_out,
                on_batch=lambda read: bar.update(line, completed=rows.done),
            )
            bar.update(line, completed=rows.size)
        return loaded

    def _leave_out(self, bad: BadRow) -> None:
        self.bad += 1
        if self.bad <= SHOWN:
            self.stderr.write(f"  {bad}")
        elif self.bad == SHOWN + 1:
            self.stderr.write("  and more")

    def _tell(self, loaded: loading.Loaded, seconds: float, options: dict[str, Any]) -> None:
        if options["json"]:
            self.stdout.write(json.dumps(loaded.as_dict() | {"dry_run": options["dry_run"], "seconds": seconds}))
            return
        for clash in loaded.clashes:
            self.stderr.write(f"  {clash} comes more than once with different texts; the first counts")
        would = "would be " if options["dry_run"] else ""
        bad = f", {loaded.bad} bad rows left out" if loaded.bad else ""
        self.stdout.write(
            f"{loaded.corpus}: {loaded.read:,} documents read; {would}{loaded.added:,} added, {loaded.changed:,} "
            f"changed, {loaded.removed:,} removed, {loaded.unchanged:,} as before{bad}; version {loaded.version} "
            f"({seconds:.1f} s)"
        )

    def _bar(self) -> Progress:
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        return Progress(*columns, console=console, disable=not console.is_terminal)
