"""Read events as columns: only the files, row groups and columns that the question needs.

    events("borrower", columns=["entity_id", "event_time", "value"], types=["bank.transfer_in"], until=moment)

What is newer than `exported_through()` is in PostgreSQL alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
from django.db.models import Max

from features.offline.columns import REPEATING, SCHEMA
from features.offline.decimals import Inexact, scaled
from features.offline.manifest import live_files
from features.offline.models import Export
from features.offline.storage import storage

__all__ = ["Inexact", "Through", "batches", "events", "exported_through", "scaled"]
# Texts that repeat come as dictionaries: one small number a row, and one list of the different texts.
READ_AS = pa.schema(
    [field.with_type(pa.dictionary(pa.int32(), pa.string())) if field.name in REPEATING else field for field in SCHEMA]
)
TRIES = 3  # files of an erased entity may go between looking them up and opening them


@dataclass(frozen=True, slots=True)
class Through:
    """The files hold every event with an id up to `last_id`, and none above.

    Of events by time this much is known: all that were recorded before `recorded_before` are there.
    """

    last_id: int
    recorded_before: datetime | None


def exported_through() -> Through:
    """How far the files go. Read it before `events`: they may then have more, and never less."""
    found = Export.objects.aggregate(last=Max("last_id"), before=Max("recorded_before"))
    return Through(found["last"] or 0, found["before"])


def events(
    entity_type: str,
    *,
    columns: Sequence[str] | None = None,
    types: Sequence[str] | None = None,
    entity_ids: Sequence[str] | None = None,
    until: datetime | None = None,
) -> pa.Table:
    """Events of an entity type as one table; within each file by entity, event time and id.

    columns: of `columns.SCHEMA`, all by default; `entity_id`, `event_type` and `source` come as dictionaries that
    all chunks share. types, entity_ids: only these. until: only events that happened up to then.
    Raises OfflineStoreUnavailable.
    """
    for attempt in range(TRIES):
        try:
            found = _scanner(entity_type, columns, types, entity_ids, until).to_table()
            return _as_dictionaries(found).unify_dictionaries()
        except FileNotFoundError:
            if attempt == TRIES - 1:
                raise
    raise AssertionError("unreachable")


def batches(
    entity_type: str,
    *,
    columns: Sequence[str] | None = None,
    types: Sequence[str] | None = None,
    entity_ids: Sequence[str] | None = None,
    until: datetime | None = None,
) -> Iterator[pa.RecordBatch]:
    """Like `events`, a batch at a time, for what does not fit in memory; dictionaries differ between batches.

    Raises FileNotFoundError when an erasure removes a file before it was read; begin again then.
    """
    for batch in _scanner(entity_type, columns, types, entity_ids, until).to_batches():
        yield _as_dictionaries(batch)


def _as_dictionaries(found: Any) -> Any:
    """The columns as READ_AS has them, also the one that was read as text to be filtered."""
    place = found.schema.get_field_index("entity_id")
    if place < 0 or found.schema.field(place).type != pa.string():
        return found
    return found.set_column(place, READ_AS.field("entity_id"), found.column(place).dictionary_encode())


def _scanner(
    entity_type: str,
    columns: Sequence[str] | None,
    types: Sequence[str] | None,
    entity_ids: Sequence[str] | None,
    until: datetime | None,
) -> ds.Scanner:
    place = storage()
    rows = live_files().filter(entity_type=entity_type)
    schema, conditions = READ_AS, []
    if until is not None:
        rows = rows.filter(min_event_time__lte=until)
        conditions.append(ds.field("event_time") <= pa.scalar(until, READ_AS.field("event_time").type))
    if types is not None:
        conditions.append(ds.field("event_type").isin(list(types)))
    if entity_ids is not None:
        # pyarrow leaves out row groups by the statistics of texts, and not of dictionaries
        schema = READ_AS.set(READ_AS.get_field_index("entity_id"), SCHEMA.field("entity_id"))
        conditions.append(ds.field("entity_id").isin(list(entity_ids)))
    wanted = None
    for condition in conditions:
        wanted = condition if wanted is None else wanted & condition
    files = ds.dataset(
        [place.full(path) for path in rows.values_list("path", flat=True)],
        schema=schema,
        format=ds.ParquetFileFormat(
            dictionary_columns=[name for name in REPEATING if schema.field(name).type != pa.string()]
        ),
        filesystem=place.arrow,
    )
    return files.scanner(columns=list(columns) if columns is not None else None, filter=wanted)
