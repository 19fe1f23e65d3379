"""The columns of an event, how they come out of PostgreSQL, and the order they are kept in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from django.db import connection
from pyarrow import csv

from tasks.errors import PermanentError

MOMENT = pa.timestamp("us", "UTC")
SCHEMA = pa.schema(
    [
        pa.field("id", pa.int64(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("source_id", pa.string(), nullable=False),
        pa.field("entity_id", pa.string(), nullable=False),
        pa.field("event_type", pa.string(), nullable=False),
        pa.field("event_time", MOMENT, nullable=False),
        pa.field("recorded_at", MOMENT, nullable=False),
        pa.field("value", pa.decimal128(38, 18)),
        pa.field("payload", pa.string(), nullable=False),  # JSON
    ]
)
VALUE64 = "value64"  # `value` once more, see `decimals`
PARTITIONED_BY, SORTED_BY = ["entity_type", "month"], ["entity_id", "event_time", "id"]
REPEATING = ["source", "entity_id", "event_type"]  # few different values: stored and read as dictionaries

# Beyond the column pyarrow sometimes wraps around and says nothing; what is no number it always refuses.
VALUE = "CASE WHEN abs(value) >= 1e20 THEN 'NaN' ELSE trim_scale(value) END AS value"
READ = f"""
COPY (
  SELECT entity_type, id, source, source_id, entity_id, event_type, event_time, recorded_at, {VALUE}, payload
  FROM raw_events WHERE id > {{after:d}} AND id <= {{last:d}}
) TO STDOUT (FORMAT csv)
"""  # noqa: S608 - constants of this module
NAMES = ["entity_type", *SCHEMA.names]


class Unexportable(PermanentError):
    """An event does not fit the columns: a value of 1e20 or more, or with more than 18 decimals."""


def read(after: int, last: int) -> pa.Table:
    """Events with after < id <= last, in no order, with their entity type. Raises Unexportable."""
    return copied(READ.format(after=int(after), last=int(last)), pa.schema([("entity_type", pa.string()), *SCHEMA]))


def read_ids(after: int, last: int) -> Any:
    """The ids alone, as numpy's int64."""
    query = f"COPY (SELECT id FROM raw_events WHERE id > {after:d} AND id <= {last:d}) TO STDOUT (FORMAT csv)"  # noqa: S608 - numbers
    return copied(query, pa.schema([("id", pa.int64())])).column("id").to_numpy()


def copied(query: str, schema: pa.Schema) -> pa.Table:
    """What COPY sends, parsed while it is sent: PostgreSQL and this process work at the same time."""
    incoming, outgoing = os.pipe()
    with ThreadPoolExecutor(1) as pool, connection.cursor() as cursor:
        raw = cursor.cursor

        def send() -> None:
            with os.fdopen(outgoing, "wb", 1 << 20) as file:
                raw.copy_expert(query, file)

        sending = pool.submit(send)
        with os.fdopen(incoming, "rb", 1 << 20) as file:
            try:
                table = _parsed(file, schema)
            except pa.ArrowInvalid as error:
                if "Empty CSV" not in str(error):
                    raise Unexportable(f"an event does not fit the columns: {error}") from error
                table = schema.empty_table()
        sending.result()
    return table


def _parsed(file: Any, schema: pa.Schema) -> pa.Table:
    return csv.open_csv(
        file,
        read_options=csv.ReadOptions(column_names=schema.names, block_size=1 << 22),
        parse_options=csv.ParseOptions(newlines_in_values=True),
        convert_options=csv.ConvertOptions(
            column_types=schema, null_values=[""], strings_can_be_null=False, quoted_strings_can_be_null=False
        ),
    ).read_all()


def partitions(events: pa.Table) -> Iterator[tuple[str, str, pa.Table]]:
    """(entity type, month, its events in their order) for each partition of what `read` gave."""
    times = events.column("event_time").to_numpy()
    months = times.astype("datetime64[M]").astype(np.int64)
    kinds = _ranks(events.column("entity_type"))
    order = np.lexsort((*_keys(events), months, kinds))
    months, kinds = months[order], kinds[order]
    starts = np.flatnonzero(np.diff(kinds, prepend=-1) | np.diff(months, prepend=months[:1] - 1))
    for start, end in zip(starts, [*starts[1:], len(order)], strict=True):
        part = events.take(pa.array(order[start:end]))
        month = str(np.datetime64(int(months[start]), "M"))
        yield part.column("entity_type")[0].as_py(), month, part.select(SCHEMA.names).cast(SCHEMA)


def ordered(events: pa.Table) -> pa.Table:
    """Events of one partition in the order of SORTED_BY."""
    return events.take(pa.array(np.lexsort(_keys(events))))


def _keys(events: pa.Table) -> tuple[Any, ...]:
    """SORTED_BY for numpy.lexsort: the last key counts most."""
    times = events.column("event_time").cast(pa.int64()).to_numpy()
    return events.column("id").to_numpy(), times, _ranks(events.column("entity_id"))


def _ranks(column: Any) -> Any:
    """Each text's place among the different ones, in the order of their bytes."""
    coded = column.combine_chunks().dictionary_encode()
    if isinstance(coded, pa.ChunkedArray):
        coded = coded.combine_chunks()
    ranks = np.empty(len(coded.dictionary), np.int64)
    ranks[pc.sort_indices(coded.dictionary).to_numpy()] = np.arange(len(ranks))
    return ranks[coded.indices.to_numpy()]
