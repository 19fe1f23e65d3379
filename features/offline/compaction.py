"""Merge the small files of a partition into large ones: the same events, each once, in fewer files."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from django.db.models.functions import Now

from features.offline import files
from features.offline.columns import SCHEMA, SORTED_BY, ordered
from features.offline.export import GRACE
from features.offline.lane import lane
from features.offline.manifest import live_files
from features.offline.models import ExportedFile
from features.offline.storage import Storage, storage

ENOUGH = 8  # files of one size that are worth a merge
AT_ONCE = 16  # files open at a time
ROWS_IN_MEMORY = 131_072


def compact(
    *, fully: bool = False, task_id: str | None = None, before_commit: Callable[[], None] | None = None
) -> Iterator[tuple[int, int]]:
    """Merge partition by partition, one transaction for each merge; yields (files before, files after).

    Files of about the same size are merged when there are enough of them, so that an event is written again once for
    each step of size and not with every export. fully: leave at most one file that is not full in each partition.
    """
    place = storage()
    for partition in sorted(set(live_files().values_list("entity_type", "month"))):
        while True:
            with lane():
                chosen = choose(_small(partition), fully=fully)
                if not chosen:
                    break
                merged = list(_merge(place, chosen))
                replace(chosen, merged, task_id=task_id)
                if before_commit:
                    before_commit()
            yield len(chosen), len(merged)


def partitions_to_compact(*, fully: bool = False) -> int:
    """How many partitions `compact` would touch."""
    found = set(live_files().values_list("entity_type", "month"))
    return sum(bool(choose(_small(partition), fully=fully)) for partition in found)


def choose(small: Iterable[ExportedFile], *, fully: bool) -> list[ExportedFile]:
    """The files to merge next, smallest first; none when the partition is well."""
    by_size = sorted(small, key=lambda row: (row.rows, row.pk))
    if fully:
        return by_size[:AT_ONCE] if len(by_size) > 1 else []
    steps: dict[int, list[ExportedFile]] = defaultdict(list)
    for row in by_size:
        steps[row.rows.bit_length() // 3].append(row)  # each step is eight times the one before
    return next((rows[:AT_ONCE] for _, rows in sorted(steps.items()) if len(rows) >= ENOUGH), [])


def replace(
    old: Sequence[ExportedFile], new: Sequence[ExportedFile], *, task_id: str | None, at_once: bool = False
) -> None:
    """Let new files count in place of old ones, which are removed after the grace time, or as soon as can be."""
    names = [row.path for row in new]
    ExportedFile.objects.filter(pk__in=[row.pk for row in old]).exclude(path__in=names).update(
        replaced_at=Now(), remove_at=Now() if at_once else Now() + GRACE
    )
    files.save(new, task_id=task_id)


def _small(partition: tuple[str, str]) -> list[ExportedFile]:
    entity_type, month = partition
    return list(live_files().filter(entity_type=entity_type, month=month, rows__lt=files.MAX_ROWS))


def _merge(place: Storage, chosen: Sequence[ExportedFile]) -> Iterator[ExportedFile]:
    size = max(1024, ROWS_IN_MEMORY // len(chosen))
    return files.write(
        place,
        chosen[0].entity_type,
        chosen[0].month,
        merged([batches(place, row.path, size=size) for row in chosen]),
        first_id=min(row.first_id for row in chosen),
        last_id=max(row.last_id for row in chosen),
        decimals=files.decimals_for_all_of(place, [row.path for row in chosen]),
    )


def batches(place: Storage, path: str, *, size: int) -> Iterator[pa.Table]:
    """A file's events, so many at a time; its pages are read as they are needed."""
    with place.open(path) as source, pq.ParquetFile(source, buffer_size=1 << 16) as file:
        for batch in file.iter_batches(batch_size=size, columns=SCHEMA.names, use_threads=False):
            yield pa.Table.from_batches([batch]).cast(SCHEMA)


def merged(sources: Sequence[Iterator[pa.Table]]) -> Iterator[pa.Table]:
    """Tables that together hold the rows of all sources, in order. Each source must be in order itself.

    The least of the last keys held is a line that no row still to come goes below, so all up to it can go out.
    """
    held: dict[int, pa.Table] = {}
    more = dict(enumerate(sources))
    while True:
        for number in [number for number in more if number not in held]:
            table = next((table for table in more[number] if len(table)), None)
            if table is None:
                del more[number]
            else:
                held[number] = table
        if not held:
            return
        line = min(_key(table, len(table) - 1) for table in held.values())
        out = []
        for number, table in list(held.items()):
            cut = _rows_up_to(table, line)
            out.append(table.slice(0, cut))
            held[number] = table.slice(cut)
            if cut == len(table):
                del held[number]
        yield ordered(pa.concat_tables(out))


def _rows_up_to(table: pa.Table, line: tuple[Any, ...]) -> int:
    return bisect_right(range(len(table)), line, key=lambda row: _key(table, row))


def _key(table: pa.Table, row: int) -> tuple[Any, ...]:
    entity_id, event_time, number = (table.column(name)[row] for name in SORTED_BY)
    return entity_id.as_py().encode(), event_time.value, number.as_py()
