"""Build the file of an export: what was sealed when the work began, in the order of the chain."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from archive.formats import writer
from archive.models import Export
from audit.chain import entries_of
from audit.models import Entry, Seal
from audit.search import filtered
from audit.services import seal as seal_trail

STEP = 2_000  # seals looked through by one query; their entries are all that is held in memory


@dataclass(frozen=True, slots=True)
class Built:
    path: str
    rows: int
    bytes: int
    sha256: str
    manifest: dict[str, Any]


class Hashing:
    """Text into a file, of which it knows hash and size."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.digest, self.size = file, hashlib.sha256(), 0

    def write(self, text: str) -> int:
        data = text.encode()
        self.digest.update(data)
        self.size += len(data)
        return self.file.write(data)


def build(export: Export, folder: Path, progress: Callable[[float, str], None]) -> Built:
    """Write an export's file; what an earlier try left behind goes. `progress` may raise, and then nothing stays."""
    while seal_trail(wait=True):  # whatever was committed before now is part of the export
        pass
    head = Seal.objects.order_by("-sequence").first()
    last = head.sequence if head else 0
    rows = 0
    with _writing(folder, export) as file:
        write = writer(export.format, file)
        for pairs, done in _entries(export.filters, last):
            for entry, seal in pairs:
                write(entry, seal)
            rows += len(pairs)
            progress(min(99, 100 * done / last), f"{rows:,} entries")
        name = f"{export.pk}-{file.digest.hexdigest()[:16]}.{export.format}"
        _publish(file, folder / name)
    digest = file.digest.hexdigest()
    manifest = {
        "filters": export.filters,
        "entries": rows,
        "chain": {"sequence": last, "hash": head.hash if head else None, "whole": not export.filters},
        "file": {"format": export.format, "bytes": file.size, "sha256": digest},
    }
    return Built(name, rows, file.size, digest, manifest)


def _entries(filters: dict[str, str], last: int) -> Iterator[tuple[list[tuple[Entry, Seal]], int]]:
    """Entries and seals in the order of the chain, a step at a time, and how far that is."""
    condition = filtered(filters)
    for start in range(0, last, STEP):
        done = min(start + STEP, last)
        seals = Seal.objects.filter(sequence__gt=start, sequence__lte=done).order_by("sequence")
        found = entries_of(list(seals.values_list("entry_id", flat=True)), condition)
        yield [(found[seal.entry_id], seal) for seal in (seals if found else ()) if seal.entry_id in found], done


@contextmanager
def _writing(folder: Path, export: Export) -> Iterator[Hashing]:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for left in folder.glob(f".{export.pk}.*"):
        left.unlink(missing_ok=True)
    place = folder / f".{export.pk}.{os.getpid()}"
    try:
        with open(place, "xb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            yield Hashing(file)
    finally:
        place.unlink(missing_ok=True)


def _publish(file: Hashing, target: Path) -> None:
    """The file appears whole under its name or not at all."""
    file.file.flush()
    os.fsync(file.file.fileno())
    os.replace(file.file.name, target)
    handle = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
