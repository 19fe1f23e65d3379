"""Write Parquet files, and the row that says what is in each."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.offline.columns import REPEATING, SCHEMA, SORTED_BY, VALUE64
from features.offline.decimals import enough, narrowed
from features.offline.models import ExportedFile
from features.offline.storage import EVENTS, Storage, hashed

MAX_ROWS = 2_000_000  # of a file
GROUP_ROWS = 131_072  # of a row group: what a reader takes or leaves by its statistics
COUNTED = ["event_time", "recorded_at", VALUE64]  # stored as differences
READ_MOST = ["entity_id", "event_type", "event_time", VALUE64]  # without compression, which takes longest to read
PAGE_BYTES = 256 * 1024  # small, so that many files can be merged in little memory


def write(
    storage: Storage,
    entity_type: str,
    month: str,
    pieces: Iterable[pa.Table],
    *,
    first_id: int,
    last_id: int,
    decimals: int | None,
) -> Iterator[ExportedFile]:
    """Put pieces that follow each other in order into files of a partition, and give each file's unsaved row.

    decimals: of `value64`; None: without it.

    A file is named by its ids and its content, so the same events give the same name, and no name ever changes what
    it stands for. Until its row is committed it is nobody's.
    """
    folder = f"{EVENTS}/entity_type={quote(entity_type, safe='')}/month={month}"
    left = iter(_groups(pieces))
    group = next(left, None)
    while group is not None:
        with storage.unfinished() as place:
            row = ExportedFile(entity_type=entity_type, month=month, first_id=first_id, last_id=last_id, rows=0)
            with _writer(place, decimals) as writer:
                while group is not None and row.rows < MAX_ROWS:
                    writer.write_table(_with_value64(group, decimals), row_group_size=GROUP_ROWS)
                    _count(row, group)
                    group = next(left, None)
            with place.open("rb") as file:
                row.sha256, row.bytes = hashed(file)
            row.path = f"{folder}/{first_id:012d}-{last_id:012d}-{row.sha256[:16]}.parquet"
            storage.publish(place, row.path)
        yield row


def _writer(place: Any, decimals: int | None) -> pq.ParquetWriter:
    schema = _with_value64(SCHEMA.empty_table(), decimals).schema
    order = [pq.SortingColumn(schema.get_field_index(name)) for name in SORTED_BY]
    squeezed = [name for name in schema.names if name not in READ_MOST]
    return pq.ParquetWriter(
        place, schema, use_dictionary=REPEATING, sorting_columns=order, data_page_size=PAGE_BYTES,
        write_page_index=True, store_decimal_as_integer=True,
        column_encoding={name: "DELTA_BINARY_PACKED" for name in COUNTED if name in schema.names},
        compression={name: "zstd" if name in squeezed else "none" for name in schema.names},
        compression_level=dict.fromkeys(squeezed, 1),
    )  # fmt: skip


def _with_value64(group: pa.Table, decimals: int | None) -> pa.Table:
    """Raises Inexact when so many decimals are not enough."""
    if decimals is None:
        return group
    return group.append_column(VALUE64, narrowed(group.column("value"), [decimals]))


def decimals_for(part: pa.Table) -> int | None:
    """Those of `value64` in a file of these events."""
    return enough(lambda: [part.column("value")])


def decimals_for_all_of(storage: Storage, paths: Collection[str]) -> int | None:
    """Those of `value64` in a file of the events of these files."""

    def values() -> Iterator[pa.ChunkedArray]:
        for path in paths:
            with storage.open(path) as source:
                yield pq.read_table(source, columns=["value"], partitioning=None).column("value")

    return enough(values)


def _groups(pieces: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The same rows in tables of a row group each, so that small pieces do not make small row groups."""
    held: list[pa.Table] = []
    count = 0
    for piece in pieces:
        while count + len(piece) >= GROUP_ROWS:
            cut = GROUP_ROWS - count
            yield pa.concat_tables([*held, piece.slice(0, cut)])
            held, count, piece = [], 0, piece.slice(cut)
        if len(piece):
            held.append(piece)
            count += len(piece)
    if held:
        yield pa.concat_tables(held)


def _count(row: ExportedFile, group: pa.Table) -> None:
    row.rows += len(group)
    for name in ("event_time", "recorded_at"):
        found = pc.min_max(group.column(name))
        low, high = _moment(found["min"]), _moment(found["max"])
        known_low, known_high = getattr(row, f"min_{name}"), getattr(row, f"max_{name}")
        setattr(row, f"min_{name}", low if known_low is None else min(known_low, low))
        setattr(row, f"max_{name}", high if known_high is None else max(known_high, high))


def _moment(scalar: Any) -> datetime:
    return scalar.as_py()


def save(rows: Iterable[ExportedFile], *, task_id: str | None) -> list[ExportedFile]:
    """Let files count. One that was replaced and is written again, byte for byte, counts again."""
    saved = list(rows)
    for row in saved:
        row.task_id = task_id  # type: ignore[assignment]
    again = ["first_id", "last_id", "task_id", "replaced_at", "remove_at"]
    return ExportedFile.objects.bulk_create(saved, update_conflicts=True, unique_fields=["path"], update_fields=again)
