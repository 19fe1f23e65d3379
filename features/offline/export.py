"""Export new events: each id in exactly one export, each export in one transaction (docs/adr/0008)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

import pyarrow as pa
from django.db import connection
from django.db.models.functions import Now

from features.models import RawEvent
from features.offline import columns, files
from features.offline.horizon import Horizon, safe_horizon
from features.offline.lane import lane
from features.offline.manifest import check_owner
from features.offline.models import Export, ExportedFile
from features.offline.storage import Storage, storage

CHUNK_ROWS = 200_000  # events in memory at a time
GRACE = timedelta(hours=1)  # for readers that still read what was replaced

# Ids are given out for events that are known already, too: count rows, not ids.
CHUNK_END = "SELECT id FROM raw_events WHERE id > %s AND id <= %s ORDER BY id OFFSET %s LIMIT 1"


@dataclass(frozen=True, slots=True)
class Exported:
    """What one transaction exported. percent: how much of this run's ids is done, 0–100."""

    first_id: int
    last_id: int
    rows: int
    files: int
    bytes: int
    percent: float


def export_events(
    *,
    patience_s: float = 5,
    chunk_rows: int = CHUNK_ROWS,
    task_id: str | None = None,
    before_commit: Callable[[], None] | None = None,
) -> Iterator[Exported]:
    """Export what is not exported yet, in chunks of bounded memory, and yield what each chunk did.

    Chunk by chunk it shares the work with whoever exports at the same time. Stopped at any point, it leaves at most
    files that nothing names, and the next run goes on where this one was. before_commit: called last in each
    transaction. Raises WritersBusy, Unexportable, TakenByAnother,
    OfflineStoreUnavailable.
    """
    place = storage()
    check_owner()
    horizon = safe_horizon(patience_s=patience_s)
    began_after: int | None = None
    while True:
        with lane():
            last = Export.objects.first()
            after = last.last_id if last else 0
            if after >= horizon.last_id:
                _know(last, horizon)
                return
            began_after = after if began_after is None else began_after
            end = _chunk_end(after, horizon.last_id, chunk_rows)
            written, rows = _write(place, after, end)
            saved = files.save(written, task_id=task_id)
            Export.objects.create(
                follows=last,
                last_id=end,
                rows=rows,
                recorded_before=horizon.recorded_before if end == horizon.last_id else None,
                task_id=task_id,
            )
            if before_commit:
                before_commit()
        pa.default_memory_pool().release_unused()
        percent = 100 * (end - began_after) / (horizon.last_id - began_after)
        yield Exported(after + 1, end, rows, len(saved), sum(row.bytes for row in saved), percent)


def waiting_events(*, patience_s: float = 5) -> int:
    """How many events an export now would add. Raises WritersBusy."""
    horizon = safe_horizon(patience_s=patience_s)
    last = Export.objects.first()
    return RawEvent.objects.filter(id__gt=last.last_id if last else 0, id__lte=horizon.last_id).count()


def forget_exports() -> None:
    """Begin again: no event counts as exported, and no file counts. They are removed after the grace time."""
    with lane():
        ExportedFile.objects.filter(replaced_at=None).update(replaced_at=Now(), remove_at=Now() + GRACE)
        Export.objects.all().delete()


def _write(place: Storage, after: int, end: int) -> tuple[list[ExportedFile], int]:
    events = columns.read(after, end)
    rows = len(events)
    written: list[ExportedFile] = []
    if rows:
        for entity_type, month, part in columns.partitions(events):
            written += files.write(
                place, entity_type, month, [part], first_id=after + 1, last_id=end, decimals=files.decimals_for(part)
            )
    return written, rows


def _chunk_end(after: int, horizon_id: int, chunk_rows: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(CHUNK_END, [after, horizon_id, chunk_rows - 1])
        row = cursor.fetchone()
    return row[0] if row else horizon_id


def _know(last: Export | None, horizon: Horizon) -> None:
    """Nothing new, but more is known of what is there: it is complete up to a later time."""
    if last and last.last_id == horizon.last_id:
        if last.recorded_before is None or last.recorded_before < horizon.recorded_before:
            Export.objects.filter(pk=last.pk).update(recorded_before=horizon.recorded_before)
