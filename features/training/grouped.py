"""Events out of PostgreSQL entity by entity: the fields of each as runs of bytes, which numpy takes as they are.

A row an event costs PostgreSQL and this process twice as much as the events themselves. What does not fit the bytes,
a payload or a value of many digits, comes as text, a row an event: `reading.from_database`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from struct import Struct
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from django.db import DataError, connection, transaction

from features.training.fields import Array, moment

MOMENT = pa.timestamp("us", "UTC")
BETWEEN = "\x1f"  # event types
NONE = -(2**63)  # no value
MOST_DECIMALS, DIGITS = 9, 18
SAMPLE = """
SELECT max(scale(value)) FROM (SELECT value FROM raw_events WHERE entity_type = %s LIMIT 1000) AS sampled
"""
RUNS = {
    "id": "string_agg(int8send(id), '')",
    "event_time": "string_agg(timestamptz_send(event_time), '')",
    "recorded_at": "string_agg(timestamptz_send(recorded_at), '')",
    "event_type": f"string_agg(event_type, '{BETWEEN}')",
    "value": "string_agg(int8send(coalesce((value * {unit})::bigint, {none})), ''), int4send(max(scale(value)))",
}
SINCE = moment(datetime(2000, 1, 1, tzinfo=UTC))  # what PostgreSQL counts from
NUMBER, FIELDS = Struct("!i"), Struct("!h")
HEADER = 19  # of PostgreSQL's binary COPY: signature, flags, no extension


class Unfit(Exception):
    """The events do not fit the runs."""


def events(entity_type: str, columns: Sequence[str], where: str) -> pa.Table:
    """The columns of the events that a condition keeps, by entity; `value` as decimal64. Raises Unfit.

    where: SQL with its parameters filled in. Events of an entity come in no order that is promised.
    """
    if not set(columns) <= {"entity_id", *RUNS}:
        raise Unfit("a payload comes as text")
    decimals = _usual_decimals(entity_type) if "value" in columns else 0
    for _ in range(2):
        try:
            table, found = _read(columns, where, decimals)
        except DataError as error:
            raise Unfit(str(error)) from error
        if found <= decimals:
            return table
        decimals = found
        if decimals > MOST_DECIMALS:
            break
    raise Unfit(f"values of {decimals} decimals")


def _usual_decimals(entity_type: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(SAMPLE, [entity_type])
        return min(cursor.fetchone()[0] or 0, MOST_DECIMALS)


def _read(columns: Sequence[str], where: str, decimals: int) -> tuple[pa.Table, int]:
    """The table, and how many decimals its values have."""
    asked = [name for name in RUNS if name in columns]
    runs = ", ".join(RUNS[name].format(unit=10**decimals, none=NONE) for name in asked)
    query = f"SELECT entity_id, int4send(count(*)::int), {runs} FROM raw_events WHERE {where} GROUP BY entity_id"  # noqa: S608 - constants and a caller's condition
    pieces: list[bytes] = []
    with transaction.atomic(), connection.cursor() as cursor, connection.wrap_database_errors:
        cursor.cursor.copy_expert(f"COPY ({query}) TO STDOUT (FORMAT binary)", _Pieces(pieces))
    entity_ids, counted, *fields = _fields(b"".join(pieces), 2 + len(asked) + ("value" in asked))
    counts = _integers(counted, ">i4")
    names = pa.array([entity_id.decode() for entity_id in entity_ids], pa.string())
    codes = pa.array(np.repeat(np.arange(len(names), dtype=np.int32), counts))
    found: dict[str, Any] = {"entity_id": pa.DictionaryArray.from_arrays(codes, names)}
    most = 0
    for name, run in zip(asked, fields, strict=False):
        if name == "value":
            most = int(_integers([size for size in fields[-1] if size], ">i4").max(initial=0))
            found[name] = _values(_integers(run, ">i8"), decimals)
        elif name == "event_type":
            found[name] = _types(run, counts)
        elif name == "id":
            found[name] = pa.array(_integers(run, ">i8"))
        else:
            found[name] = pa.array(_integers(run, ">i8") + SINCE, MOMENT)
    return pa.table({name: found[name] for name in columns}), most


class _Pieces:
    """What COPY writes to."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.write = pieces.append


def _fields(copied: bytes, number: int) -> list[list[bytes]]:
    """Each field of all rows of a binary COPY; null is empty."""
    found: list[list[bytes]] = [[] for _ in range(number)]
    place, size_of = HEADER, NUMBER.unpack_from
    while FIELDS.unpack_from(copied, place)[0] == number:
        place += 2
        for field in found:
            (size,) = size_of(copied, place)
            place += 4
            end = place + max(size, 0)
            field.append(copied[place:end])
            place = end
    return found


def _integers(runs: Sequence[bytes], kind: str) -> Array:
    return np.frombuffer(b"".join(runs), kind).astype(kind.replace(">", "="))


def _values(whole: Array, decimals: int) -> pa.Array:
    present = whole != NONE
    whole = np.where(present, whole, 0)
    if len(whole) and max(int(whole.max()), -int(whole.min())) >= 10**DIGITS:
        raise Unfit(f"values of more than {DIGITS} digits")
    there = None if present.all() else pa.array(present).buffers()[1]
    return pa.Array.from_buffers(pa.decimal64(DIGITS, decimals), len(whole), [there, pa.py_buffer(whole)])


def _types(runs: Sequence[bytes], counts: Array) -> pa.Array:
    lists = pc.split_pattern(pa.array([run.decode() for run in runs], pa.string()), BETWEEN)
    if not np.array_equal(pc.list_value_length(lists).to_numpy(), counts):
        raise Unfit("an event type holds what stands between them")
    return pc.list_flatten(lists).dictionary_encode()
