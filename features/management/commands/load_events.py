"""Load raw events from a file."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.dateparse import parse_datetime

from features.definitions import InvalidEvent
from features.ingest import NewEvent, ingest_in_batches
from features.tasks import request_refresh

REQUIRED = ("source", "source_id", "event_type", "entity_id", "event_time")


class Command(BaseCommand):
    help = (
        "Load events from CSV or Parquet with the columns source, source_id, event_type, entity_id, event_time, and "
        "either data (a JSON object) or one column for each key of the data. Events that are there already count once."
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--batch-size", type=int, default=5_000)
        parser.add_argument("--no-refresh", action="store_true", help="leave the features to backfill_features")

    def handle(self, *args: Any, file: Path, batch_size: int, no_refresh: bool, **options: Any) -> None:
        if not file.is_file():
            raise CommandError(f"{file} is not a file")
        read = _parquet if file.suffix == ".parquet" else _csv
        accepted = added = 0
        try:
            for done in ingest_in_batches(_events(read(file)), size=batch_size):
                accepted, added = accepted + done.accepted, added + done.added
        except (InvalidEvent, UnicodeDecodeError, csv.Error) as error:
            raise CommandError(f"after {accepted} events: {error}") from None
        self.stdout.write(f"{accepted} events read, {added} new")
        if added and not no_refresh:
            from features.extraction import entity_types

            for entity_type in entity_types():
                request_refresh(entity_type)


def _csv(file: Path) -> Iterator[dict[str, Any]]:
    with file.open(newline="", encoding="utf-8") as lines:
        yield from csv.DictReader(lines)


def _parquet(file: Path) -> Iterator[dict[str, Any]]:
    try:
        from pyarrow import parquet
    except ImportError:
        raise CommandError("Parquet needs the packages of requirements/science.txt") from None
    for batch in parquet.ParquetFile(file).iter_batches(batch_size=5_000):
        yield from batch.to_pylist()


def _events(rows: Iterator[dict[str, Any]]) -> Iterator[NewEvent]:
    for number, row in enumerate(rows, start=1):
        if missing := [name for name in REQUIRED if row.get(name) in (None, "")]:
            raise InvalidEvent(missing[0], f"row {number}: {missing[0]} is missing")
        moment = row["event_time"]
        if isinstance(moment, str):
            moment = parse_datetime(moment)
        if not isinstance(moment, datetime):
            raise InvalidEvent("event_time", f"row {number}: event_time is not a date and time")
        if row.get("data"):
            data = json.loads(row["data"]) if isinstance(row["data"], str) else row["data"]
        else:
            data = {key: value for key, value in row.items() if key not in REQUIRED and value not in (None, "")}
        yield NewEvent(
            source=str(row["source"]),
            source_id=str(row["source_id"]),
            event_type=row["event_type"],
            entity_id=str(row["entity_id"]),
            event_time=moment if moment.tzinfo else moment.replace(tzinfo=UTC),
            data=data,
        )
