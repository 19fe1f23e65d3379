"""Hold the files against their hashes, their rows and the database, event by event."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.offline.columns import SCHEMA, VALUE64, read_ids
from features.offline.lane import lane
from features.offline.manifest import as_rows_say, live_files
from features.offline.models import Export, ExportedFile
from features.offline.storage import Storage, storage

IDS_AT_ONCE = 8_000_000  # of the log; bounds the memory
SHOWN = 5


@dataclass(slots=True)
class Verified:
    """What was looked at, and everything that is wrong, in sentences."""

    files: int = 0
    rows: int = 0
    through_id: int = 0
    problems: list[str] = field(default_factory=list)


def verify(*, progress: Callable[[float, str], None] = lambda percent, message: None) -> Verified:
    """Read every file that counts: its bytes by their hash, its rows by its row, its ids by the database's.

    An id that is in the database and in no file, in a file and not in the database, or in two files, is a problem.
    """
    place = storage()
    with lane():  # one moment of both
        last = Export.objects.first()
        found = list(live_files())
        totals = as_rows_say()["totals"]
    report = Verified(files=len(found), rows=totals["rows"], through_id=last.last_id if last else 0)
    sound = []
    for number, row in enumerate(found):
        progress(50 * number / len(found), row.path)
        if problem := _wrong(place, row):
            report.problems.append(f"{row.path}: {problem}")
        else:
            sound.append(row)
    for low in range(0, report.through_id, IDS_AT_ONCE):
        high = min(low + IDS_AT_ONCE, report.through_id)
        progress(50 + 50 * low / report.through_id, f"ids {low + 1:,} to {high:,}")
        report.problems += _ids_wrong(place, sound, low, high)
    return report


def _wrong(place: Storage, row: ExportedFile) -> str:
    try:
        sha256, size = place.sha256(row.path)
    except FileNotFoundError:
        return "the file is missing"
    if (sha256, size) != (row.sha256, row.bytes):
        return f"its {size} bytes are not the {row.bytes} that were written"
    with place.open(row.path) as source, pq.ParquetFile(source) as file:
        if file.metadata.num_rows != row.rows:
            return f"it has {file.metadata.num_rows} rows and not {row.rows}"
        if not pa.schema([field for field in file.schema_arrow if field.name != VALUE64]).equals(SCHEMA):
            return "its columns are not those of events"
    return ""


def _ids_wrong(place: Storage, rows: list[ExportedFile], low: int, high: int) -> list[str]:
    """Problems with the ids above `low` up to `high`."""
    seen = np.zeros(high - low, bool)
    twice: list[int] = []
    for row in rows:
        if row.last_id <= low or row.first_id > high:
            continue
        with place.open(row.path) as source:
            ids = pq.read_table(source, columns=["id"], partitioning=None).column("id").to_numpy()
        places = ids[(ids > low) & (ids <= high)] - low - 1
        twice += (_repeated(places) + low + 1).tolist()
        twice += (places[seen[places]] + low + 1).tolist()
        seen[places] = True
        if len(ids) and not (row.first_id <= ids.min() and ids.max() <= row.last_id):
            return [f"{row.path}: it holds ids outside {row.first_id} to {row.last_id}"]
    known = np.zeros(high - low, bool)
    known[read_ids(low, high) - low - 1] = True
    found = {
        "in more than one file, or twice in one": twice,
        "in the database and in no file": (np.flatnonzero(known & ~seen) + low + 1).tolist(),
        "in a file and not in the database": (np.flatnonzero(seen & ~known) + low + 1).tolist(),
    }
    return [f"{len(ids):,} events {what}: ids {_some(ids)}" for what, ids in found.items() if ids]


def _repeated(places: Any) -> Any:
    ordered = np.sort(places)
    return ordered[1:][ordered[1:] == ordered[:-1]]


def _some(ids: list[int]) -> str:
    return ", ".join(map(str, ids[:SHOWN])) + (", …" if len(ids) > SHOWN else "")
