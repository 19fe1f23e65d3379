"""Build a training set here and now."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.utils.dateparse import parse_datetime
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from audit.services import log_audit_event
from base.context import acting, new_correlation_id
from features import training
from features.training.models import Format
from features.training.request import AT_EVENT_TIME, Label, Unaskable, canonical, sha256
from tasks.errors import PermanentError, TemporaryError


class Command(BaseCommand):
    help = (
        "Write features as of many moments to a Parquet, Arrow or CSV file, with its manifest beside it. Rows come "
        "from a file with the columns entity_id and timestamp, or from every event of a type (--label)."
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("features", nargs="+", help="feature, set:feature, set@version:feature, set or set@version")
        spine = parser.add_mutually_exclusive_group(required=True)
        spine.add_argument("--rows", type=Path, help="a CSV or Parquet file with entity_id and timestamp")
        spine.add_argument("--label", metavar="EVENT_TYPE", help="a row for every event of this type")
        parser.add_argument("--field", default="value", help="of the label's event: value, or a key of its data")
        parser.add_argument("--since", help="of the label's events, a time with its zone")
        parser.add_argument("--until", help="of the label's events, a time with its zone")
        parser.add_argument("--known-at", default="now", help=f"a time with its zone, now, or {AT_EVENT_TIME}")
        parser.add_argument("--format", choices=Format.values, default=Format.PARQUET)
        parser.add_argument("--to", default=".", help="a file or a folder (made if it ends in /); here by default")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            training.require()
        except training.TrainingUnavailable as error:
            raise CommandError(str(error)) from None
        from features.training.building import build

        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = '30s'; SET idle_in_transaction_session_timeout = 0")
        request = self._request(options)
        target = Path(options["to"])
        if str(options["to"]).endswith("/"):
            target.mkdir(parents=True, exist_ok=True)
        if target.is_dir():
            target = target / f"dataset-{sha256(request)[:12]}.{request['format']}"
        with acting(actor="command:build_dataset", correlation_id=new_correlation_id()), self._bar() as bar:
            row = bar.add_task("dataset", total=100)
            try:
                built = build(request, target, lambda done, what: bar.update(row, completed=done, description=what))
            except (PermanentError, TemporaryError, OSError) as error:
                raise CommandError(str(error)) from None
            log_audit_event("dataset_built", "dataset", target.name, {"sha256": built.sha256, "rows": built.rows})
        beside = target.with_name(f"{target.name}.manifest.json")
        beside.write_text(json.dumps(built.manifest, indent=2) + "\n", encoding="utf-8")
        self.stdout.write(f"{target}: {built.rows:,} rows, {built.columns} columns, {built.bytes:,} bytes")
        self.stdout.write(f"sha256 {built.sha256}")

    def _request(self, options: dict[str, Any]) -> dict[str, Any]:
        label = options["label"] and Label(
            event_type=options["label"],
            field=options["field"],
            since=_moment("--since", options["since"]),
            until=_moment("--until", options["until"]),
        )
        known_at = options["known_at"]
        if known_at != AT_EVENT_TIME:
            known_at = None if known_at == "now" else _moment("--known-at", known_at)
        rows = None if label else list(_rows(options["rows"]))
        try:
            return canonical(
                features=options["features"], rows=rows, label=label, known_at=known_at, format=options["format"]
            )
        except Unaskable as error:
            raise CommandError(str(error)) from None

    def _bar(self) -> Progress:
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        return Progress(*columns, console=console, disable=not console.is_terminal)


def _rows(file: Path) -> Iterator[tuple[str, datetime]]:
    if not file.is_file():
        raise CommandError(f"{file} is not a file")
    for number, row in enumerate(_read(file), 1):
        moment = row.get("timestamp")
        if isinstance(moment, str):
            moment = _moment(f"{file.name}, row {number}: timestamp", moment)
        if not row.get("entity_id") or not isinstance(moment, datetime) or moment.tzinfo is None:
            raise CommandError(f"{file.name}, row {number} needs entity_id and timestamp, a time with its zone")
        yield str(row["entity_id"]), moment


def _read(file: Path) -> Iterator[dict[str, Any]]:
    if file.suffix == ".parquet":
        from pyarrow import parquet

        for batch in parquet.ParquetFile(file).iter_batches(columns=["entity_id", "timestamp"]):
            yield from batch.to_pylist()
        return
    with file.open(newline="", encoding="utf-8") as lines:
        yield from csv.DictReader(lines)


def _moment(name: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise CommandError(f"{name} must be a time with its zone, such as 2026-01-31T00:00:00Z")
    return moment
