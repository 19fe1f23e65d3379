"""Entries as lines of CSV or NDJSON."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from datetime import UTC
from typing import Any, Protocol

from archive.models import Format
from audit.chain import content
from audit.models import Entry, Seal

Write = Callable[[Entry, Seal], Any]


class Text(Protocol):
    def write(self, text: str, /) -> Any: ...


COLUMNS = ["sequence", "id", "at", "action", "entity_type", "entity_id", "actor", "status", "ip", "user_agent",
           "correlation_id", "metadata", "previous_hash", "hash", "sealed_at"]  # fmt: skip
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")  # what makes a spreadsheet run a cell
QUOTE = "'"


def safe(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula: with an apostrophe before it, also before one of its own."""
    return QUOTE + cell if cell.startswith((*FORMULA, QUOTE)) else cell


def original(cell: str) -> str:
    """What a safe cell stands for."""
    return cell.removeprefix(QUOTE)


def line(entry: Entry, seal: Seal) -> dict[str, Any]:
    """A sealed entry. All but `hash` and `sealed_at` is what the hash is of, in canonical JSON (docs/audit.md)."""
    return {
        "sequence": seal.sequence,
        "previous_hash": seal.previous_hash,
        **content(entry),
        "hash": seal.hash,
        "sealed_at": seal.sealed_at.astimezone(UTC).isoformat(timespec="microseconds"),
    }


def writer(format: str, file: Text) -> Write:
    """A function that adds an entry to a file, whose lines must stay as they are."""
    return _csv(file) if format == Format.CSV else _ndjson(file)


def _csv(file: Text) -> Write:
    rows = csv.writer(file)
    rows.writerow(COLUMNS)

    def write(entry: Entry, seal: Seal) -> None:
        shown = line(entry, seal)
        shown["metadata"] = canonical(shown["metadata"])
        rows.writerow([safe("" if shown[name] is None else str(shown[name])) for name in COLUMNS])

    return write


def _ndjson(file: Text) -> Write:
    return lambda entry, seal: file.write(canonical(line(entry, seal)) + "\n")


def canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
