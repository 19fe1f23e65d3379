"""Events in files: CSV and Parquet, read in bounded memory, each row an event or the reason why it is none."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.utils.dateparse import parse_datetime
from rest_framework.exceptions import APIException

from base.parsers import parse_json
from features.definitions import InvalidEvent
from features.intake.ingest import NewEvent, as_row

REQUIRED = ("source", "source_id", "event_type", "entity_id", "event_time")
LONGEST = {"source": 200, "source_id": 200, "event_type": 120, "entity_id": 100}
PARQUET_ROWS = 5_000


class FileNotRead(Exception):
    """The file cannot be read at all, or not beyond a place."""


class BadRow(Exception):
    """A row that is no proper event: which one, and why."""


class EventFile:
    """Rows as `as_row` makes them, or BadRow. `done` of `size` says how far it is, in bytes or in rows."""

    size = 0
    done = 0

    def __iter__(self) -> Iterator[dict[str, Any] | BadRow]:
        for number, row in enumerate(self._rows(), start=1):
            try:
                yield _event(row)
            except InvalidEvent as error:
                yield BadRow(f"row {number}: {error.field} {error}")

    def _rows(self) -> Iterator[dict[str, Any]]:
        raise NotImplementedError


class CsvFile(EventFile):
    def __init__(self, stream: Any, size: int) -> None:
        self._stream, self.size = stream, size

    def _rows(self) -> Iterator[dict[str, Any]]:
        lines = (line.decode("utf-8-sig" if not self.done else "utf-8") for line in self._counted())
        try:
            yield from csv.DictReader(lines)
        except (UnicodeDecodeError, csv.Error) as error:
            raise FileNotRead(f"after {self.done} bytes: {error}") from None

    def _counted(self) -> Iterator[bytes]:
        for line in self._stream:
            yield line
            self.done += len(line)


class ParquetFile(EventFile):
    def __init__(self, file: Any) -> None:
        self._file, self.size = file, file.metadata.num_rows

    def _rows(self) -> Iterator[dict[str, Any]]:
        for batch in self._file.iter_batches(batch_size=PARQUET_ROWS):
            yield from batch.to_pylist()
            self.done += batch.num_rows


@contextmanager
def open_events(path: Path) -> Iterator[EventFile]:
    """The events of a .csv or .parquet file. Raises FileNotRead."""
    if path.suffix != ".parquet":
        with path.open("rb") as stream:
            yield CsvFile(stream, path.stat().st_size)
        return
    try:
        from pyarrow import ArrowInvalid, parquet
    except ImportError:
        raise FileNotRead("Parquet needs the packages of requirements/science.txt") from None
    try:
        file = parquet.ParquetFile(path)
    except ArrowInvalid as error:
        raise FileNotRead(str(error)) from None
    with file:
        yield ParquetFile(file)


def _event(row: dict[str, Any]) -> dict[str, Any]:
    for name in REQUIRED:
        if row.get(name) in (None, ""):
            raise InvalidEvent(name, "is missing")
    texts = {name: _text(name, str(row[name]), longest) for name, longest in LONGEST.items()}
    return as_row(NewEvent(**texts, event_time=_time(row["event_time"]), data=_data(row)))


def _text(name: str, text: str, longest: int) -> str:
    if len(text) > longest:
        raise InvalidEvent(name, f"may have at most {longest} characters")
    if "\x00" in text:
        raise InvalidEvent(name, "may not hold NUL characters")
    return text


def _time(moment: Any) -> datetime:
    """A time without a zone is UTC."""
    if isinstance(moment, str):
        try:
            moment = parse_datetime(moment)
        except ValueError:
            moment = None
    if not isinstance(moment, datetime):
        raise InvalidEvent("event_time", "is not a date and time")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _data(row: dict[str, Any]) -> dict[str, Any]:
    """The JSON of the column `data`, or every other column that is not empty."""
    data = row.get("data")
    if not data:
        columns = {name: item for name, item in row.items() if name not in REQUIRED and item not in (None, "")}
        if None in columns:
            raise InvalidEvent("data", "has more columns than the header")
        return {name: _text(name, item, 10_000) if isinstance(item, str) else item for name, item in columns.items()}
    text = data if isinstance(data, str) else json.dumps(data, default=str)
    try:
        data = parse_json(text.encode())
    except (APIException, UnicodeEncodeError) as error:
        raise InvalidEvent("data", f"cannot be taken: {error}") from None
    if not isinstance(data, dict):
        raise InvalidEvent("data", "is not a JSON object")
    return data
