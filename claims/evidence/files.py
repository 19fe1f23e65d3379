"""Files of evidence, row by row: JSON lines as they are, Parquet where pyarrow is installed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PARQUET_ROWS = 1_000
LONGEST_LINE = 4 * 1_048_576  # bytes; a longer one is no document
SUFFIXES = (".parquet", ".jsonl", ".ndjson", ".json")


class FileNotRead(Exception):
    """The file is not there, or cannot be read at all, or not beyond a place."""


class BadRow(Exception):
    """A row that holds no document: which one, and why."""


@dataclass(slots=True)
class Rows:
    """The rows of a file with their numbers from 1; a row that is none is a BadRow. `done` of `size`: how far it is."""

    source: Iterator[dict[str, Any] | BadRow]
    size: int
    progress: list[int] = field(default_factory=lambda: [0])

    @property
    def done(self) -> int:
        return self.progress[0]

    def __iter__(self) -> Iterator[tuple[int, dict[str, Any] | BadRow]]:
        return enumerate(self.source, start=1)


def find(place: Path, *stems: str) -> Path:
    """The file itself, or the one in a folder that has one of these names. Raises FileNotRead."""
    if place.is_file():
        return place
    candidates = [place / f"{stem}{suffix}" for stem in stems for suffix in SUFFIXES]
    found = next((path for path in candidates if path.is_file()), None)
    if found is None:
        names = " or ".join(f"{stem}.jsonl or {stem}.parquet" for stem in stems)
        raise FileNotRead(f"{place} is no file and no folder with {names}" if names else f"{place} is no file")
    return found


@contextmanager
def opened(path: Path) -> Iterator[Rows]:
    """The rows of a .parquet file, or of JSON lines. Raises FileNotRead."""
    if path.suffix == ".parquet":
        with _parquet(path) as file:
            progress = [0]
            yield Rows(_parquet_rows(file, progress), file.metadata.num_rows, progress)
        return
    with path.open("rb") as stream:
        progress = [0]
        yield Rows(_json_rows(stream, progress), path.stat().st_size, progress)


@contextmanager
def _parquet(path: Path) -> Iterator[Any]:
    try:
        from pyarrow import ArrowInvalid, parquet
    except ImportError:
        raise FileNotRead("Parquet needs the packages of requirements/science.txt; JSON lines do not") from None
    try:
        with parquet.ParquetFile(path) as file:
            yield file
    except (ArrowInvalid, OSError) as error:
        raise FileNotRead(f"{path.name}: {error}") from None


def _parquet_rows(file: Any, progress: list[int]) -> Iterator[dict[str, Any]]:
    for batch in file.iter_batches(batch_size=PARQUET_ROWS):
        yield from batch.to_pylist()
        progress[0] += batch.num_rows


def _json_rows(stream: Any, progress: list[int]) -> Iterator[dict[str, Any] | BadRow]:
    while line := stream.readline(LONGEST_LINE):
        progress[0] += len(line)
        if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
            progress[0] += _skip_line(stream)
            yield BadRow(f"is longer than {LONGEST_LINE:,} bytes")
        elif line.strip():
            yield _json_row(line)


def _skip_line(stream: Any) -> int:
    skipped = 0
    while rest := stream.readline(LONGEST_LINE):
        skipped += len(rest)
        if rest.endswith(b"\n"):
            break
    return skipped


def _json_row(line: bytes) -> dict[str, Any] | BadRow:
    try:
        row = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        return BadRow(f"is not JSON: {error}"[:200])
    return row if isinstance(row, dict) else BadRow("is not a JSON object")
