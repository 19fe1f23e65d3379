"""Where the events of a training set come from.

Who computes what:
- features of rows of a model: PostgreSQL, a part of the spine at a time;
- a short spine: PostgreSQL too, as a few index ranges cost less than a whole log;
- all else: the columns of `engine`. They are read from the offline copy as far as it goes, and what is newer, or
  everything when there is no copy, is streamed out of PostgreSQL. An event is in one part by its id, so none is
  missing and none is there twice.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
from django.db import connection, transaction
from pyarrow import csv

from features.training.engine import Wanted, columns_needed
from features.training.log import Spine

MOMENT = pa.timestamp("us", "UTC")
CODED = pa.dictionary(pa.int32(), pa.string())
COLUMNS = {"id": pa.int64(), "entity_id": CODED, "event_type": CODED, "event_time": MOMENT, "recorded_at": MOMENT,
           "value": pa.decimal128(38, 18), "payload": pa.string()}  # fmt: skip
SOURCE = {"value": "trim_scale(value) AS value"}
NAMED = 5_000  # entities of a spine that are asked for one by one
TIMEOUT = "SET LOCAL statement_timeout = '20min'"


def read(wanted: Wanted, spine: Spine, *, until: datetime, known_at: datetime | None = None) -> pa.Table:
    """The events that the spine may see, up to `until` and, with known_at, recorded by then."""
    [entity_type] = {feature_set.entity.name for feature_set in wanted}
    columns = columns_needed(wanted, known_at=isinstance(spine.known_at, np.ndarray))
    return from_database(
        entity_type,
        columns,
        types=types_needed(wanted),
        entity_ids=_named(spine),
        until=until,
        known_at=known_at,
    )


def types_needed(wanted: Wanted) -> list[str] | None:
    """The event types that count; None for all."""
    if not all(feature_set.source for feature_set in wanted):
        return None
    return sorted({kind for feature_set in wanted for kind in feature_set.source})


def _named(spine: Spine) -> list[str] | None:
    different = spine.entity_ids.unique()
    return different.to_pylist() if len(different) <= NAMED else None


def from_database(
    entity_type: str,
    columns: Sequence[str],
    *,
    types: Sequence[str] | None = None,
    entity_ids: Sequence[str] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    known_at: datetime | None = None,
    after_id: int = 0,
) -> pa.Table:
    """Events in one snapshot, streamed by COPY and parsed while they come."""
    conditions = {
        "entity_type = %(entity_type)s": True,
        "id > %(after_id)s": after_id,
        "event_type = ANY(%(types)s)": types is not None,
        "entity_id = ANY(%(entity_ids)s)": entity_ids is not None,
        "event_time >= %(since)s": since,
        "event_time <= %(until)s": until,
        "recorded_at <= %(known_at)s": known_at,
    }
    chosen = ", ".join(SOURCE.get(name, name) for name in columns)
    where = " AND ".join(condition for condition, asked in conditions.items() if asked)
    asked = {"entity_type": entity_type, "types": types, "entity_ids": entity_ids, "since": since,
             "until": until, "known_at": known_at, "after_id": after_id}  # fmt: skip
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(TIMEOUT)
        query = cursor.cursor.mogrify(f"COPY (SELECT {chosen} FROM raw_events WHERE {where}) TO STDOUT (FORMAT csv)",  # noqa: S608 - names of columns
                                      asked).decode()  # fmt: skip
        return copied(cursor.cursor, query, pa.schema([(name, COLUMNS[name]) for name in columns]))


def copied(cursor: Any, query: str, schema: pa.Schema) -> pa.Table:
    """What a COPY sends, parsed while it is sent: PostgreSQL and this process work at the same time."""
    incoming, outgoing = os.pipe()

    def send() -> None:
        with os.fdopen(outgoing, "wb", 1 << 20) as file:
            cursor.copy_expert(query, file, size=1 << 16)

    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(send)
        with os.fdopen(incoming, "rb", 1 << 20) as file:
            table = parsed(file, schema)
        sending.result()
    return table


def parsed(file: Any, schema: pa.Schema) -> pa.Table:
    convert = csv.ConvertOptions(
        column_types=schema, null_values=[""], strings_can_be_null=False, quoted_strings_can_be_null=False
    )
    try:
        return csv.open_csv(
            file,
            read_options=csv.ReadOptions(column_names=schema.names, block_size=1 << 22),
            parse_options=csv.ParseOptions(newlines_in_values=True),
            convert_options=convert,
        ).read_all()
    except pa.ArrowInvalid as error:
        if "Empty CSV" in str(error):
            return schema.empty_table()
        raise
