"""Take an entity out of the files, for good."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from django.db import transaction
from django.db.models.functions import Now

from audit.services import log_audit_event
from features.offline import files
from features.offline.columns import SCHEMA
from features.offline.compaction import replace
from features.offline.lane import lane
from features.offline.models import ExportedFile
from features.offline.storage import Storage, storage
from features.offline.upkeep import tidy


@dataclass(frozen=True, slots=True)
class Erased:
    """How many of the entity's events were in files that count, and how many files were rewritten or removed."""

    rows: int
    files: int


def erase(entity_type: str, entity_id: str, *, name: str = "") -> Erased:
    """Rewrite each file that holds the entity without its events, and remove the old ones with the commit.

    Call it in the transaction that deletes the entity's raw events, or after that one: until it commits no export
    runs, so none can bring the entity back. name: what the audit trail calls the entity instead of its id.

    Raises OfflineStoreUnavailable; what the removal raises comes after the commit, and the next upkeep tries it again.
    """
    place = storage()
    rows = count = 0
    with lane():
        for row in ExportedFile.objects.filter(entity_type=entity_type):
            found = _rows_of(place, row.path, entity_id)
            if not found:
                continue
            count += 1
            if row.replaced_at is None:
                rows += found
                rest = files.write(
                    place, entity_type, row.month, _without(place, row.path, entity_id),
                    first_id=row.first_id, last_id=row.last_id,
                    decimals=files.decimals_for_all_of(place, [row.path]),
                )  # fmt: skip
                replace([row], list(rest), task_id=None, at_once=True)
            else:
                ExportedFile.objects.filter(pk=row.pk).update(remove_at=Now())
        log_audit_event("offline_entity_erased", entity_type, name or entity_id, {"rows": rows, "files": count})
        transaction.on_commit(_remove)
    return Erased(rows, count)


def _remove() -> None:
    """Not robust: whoever asked must hear that the old files could not be removed."""
    tidy()


def _rows_of(place: Storage, path: str, entity_id: str) -> int:
    """How many events of the entity a file holds; its statistics spare most of the reading."""
    try:
        with place.open(path) as source:
            return len(
                pq.read_table(source, columns=["id"], filters=[("entity_id", "=", entity_id)], partitioning=None)
            )
    except FileNotFoundError:
        return 0  # a replaced file that the sweep took away


def _without(place: Storage, path: str, entity_id: str) -> Iterator[pa.Table]:
    with place.open(path) as source, pq.ParquetFile(source, buffer_size=1 << 16) as file:
        for batch in file.iter_batches(batch_size=files.GROUP_ROWS, columns=SCHEMA.names):
            table = pa.Table.from_batches([batch]).cast(SCHEMA)
            yield table.filter(pc.not_equal(table.column("entity_id"), entity_id))
