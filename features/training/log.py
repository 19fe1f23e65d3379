"""Events as columns, by entity, time and id; and what of them each row of a spine sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.training.fields import Array, Field, coded, from_payload, moment, numbers, payload_texts, texts, words


@dataclass(frozen=True)
class Spine:
    """The rows asked for: an entity, and the moment (microseconds since 1970) it is looked at.

    known_at: leave out what was recorded later: one moment for all rows, or one for each.
    """

    entity_ids: pa.Array
    times: Array
    known_at: int | Array | None = None

    @classmethod
    def of(
        cls,
        rows: Sequence[tuple[str, datetime]],
        known_at: datetime | Sequence[datetime] | None = None,
    ) -> Spine:
        times = np.fromiter((moment(time) for _, time in rows), np.int64, len(rows))
        ids = pa.array([entity_id for entity_id, _ in rows], pa.string())
        if known_at is None or isinstance(known_at, datetime):
            return cls(ids, times, None if known_at is None else moment(known_at))
        return cls(ids, times, np.fromiter((moment(time) for time in known_at), np.int64, len(rows)))

    @classmethod
    def from_table(cls, table: pa.Table) -> Spine:
        """From the columns entity_id and event_timestamp (microseconds, UTC)."""
        return cls(table.column("entity_id").combine_chunks(), words(table.column("event_timestamp")))

    def __len__(self) -> int:
        return len(self.times)

    def part(self, start: int, length: int) -> Spine:
        end = start + length
        known = self.known_at[start:end] if isinstance(self.known_at, np.ndarray) else self.known_at
        return Spine(self.entity_ids.slice(start, length), self.times[start:end], known)


@dataclass(frozen=True)
class Log:
    """Events by (entity, event time, id). entities: their ids; those of entity n lie from offsets[n] to offsets[n + 1].

    What no feature asks for may be missing from the table.
    """

    table: pa.Table
    places: Array  # of the events in the table
    times: Array
    entities: pa.Array
    offsets: Array
    _fields: dict[Any, Field] = field(default_factory=dict)

    @classmethod
    def of(cls, table: pa.Table, spine: Spine | None = None) -> Log:
        """Events in any order, as `features.training.reading` gives them. With a spine, only what it may see."""
        codes, entities = coded(table.column("entity_id"))
        asked = None if spine is None else np.isin(np.arange(len(entities)), _codes(spine, entities))
        places, counts = _by_entity(codes, len(entities), asked)
        if spine is not None and isinstance(spine.known_at, int):
            known = words(table.column("recorded_at"))[places] <= spine.known_at
            places, counts = places[known], np.bincount(codes[places[known]], minlength=len(entities))
        times, offsets = words(table.column("event_time"))[places], np.concatenate([[0], np.cumsum(counts)])
        if (order := _order(times, offsets, table, places)) is not None:
            places, times = places[order], times[order]
        return cls(table, places, times, entities, offsets)

    def __len__(self) -> int:
        return len(self.places)

    def column(self, name: str) -> Array:
        """The words of a column of whole numbers or times."""
        return words(self.table.column(name))[self.places]

    @cached_property
    def types(self) -> Field:
        codes, names = coded(self.table.column("event_type"))
        return texts(codes[self.places], names)

    def of_types(self, types: Sequence[str]) -> Array:
        """Where the event is of one of these types."""
        names = self.types.table
        return np.isin(names, list(types))[self.types.keys] if names is not None else np.zeros(len(self), bool)

    def field(self, name: str, data_type: str, types: Sequence[str] = ()) -> Field:
        """A field as a type; a key of the payload is read in events of these types alone. Raises UnusableField."""
        if name == "event_type":
            return self.types
        if name == "event_time":
            return Field(self.times)
        if name == "value":
            return self._once(("value",), lambda: numbers(self.table.column("value")).take(self.places))
        return self._once((name, data_type, tuple(types)), lambda: self._from_payload(name, data_type, types))

    def _from_payload(self, name: str, data_type: str, types: Sequence[str]) -> Field:
        payload = self.table.column("payload")
        if not types:
            return from_payload(payload_texts(payload.take(self.places).to_pylist(), name), data_type, name)
        asked = np.flatnonzero(self.of_types(types))
        found = from_payload(payload_texts(payload.take(self.places[asked]).to_pylist(), name), data_type, name)
        keys, present = np.zeros(len(self), np.int64), np.zeros(len(self), bool)
        keys[asked] = found.keys
        present[asked] = True if found.present is None else found.present
        return Field(keys, present, found.table, found.scale)

    def _once(self, key: Any, make: Any) -> Field:
        if key not in self._fields:
            self._fields[key] = make()
        return self._fields[key]

    def seen(self, spine: Spine) -> Seen:
        """What each row of the spine sees.

        With a known_at for each row the log is a new one, in which every row has its own copy of what it knew.
        """
        code = _codes(spine, self.entities)
        order = np.lexsort((spine.times, code))
        code, times = code[order], spine.times[order]
        known = code >= 0
        start, end = np.where(known, self.offsets[code], 0), np.where(known, self.offsets[code + 1], 0)
        until = after(self.times, start, end, times)
        if not isinstance(spine.known_at, np.ndarray):
            return Seen(self, order, times, start, until)
        rows, places = spread(start, until)
        kept = self.column("recorded_at")[places] <= spine.known_at[order][rows]
        rows, places = rows[kept], places[kept]
        ends = np.searchsorted(rows, np.arange(1, len(spine) + 1))
        copy = _Copy(self.table, self.places[places], self.times[places], self.entities, ends, original=self, at=places)
        return Seen(copy, order, times, np.concatenate([[0], ends])[:-1], ends)


@dataclass(frozen=True, slots=True)
class Seen:
    """Rows of a spine by entity and time, `order` being their places in it; each sees `start` to `until` of the log."""

    log: Log
    order: Array
    times: Array
    start: Array
    until: Array


@dataclass(frozen=True, kw_only=True)
class _Copy(Log):
    """Chosen events of another log, whose fields it shares."""

    original: Log
    at: Array

    @cached_property
    def types(self) -> Field:
        return self.original.types.take(self.at)

    def field(self, name: str, data_type: str, types: Sequence[str] = ()) -> Field:
        if name in ("event_type", "event_time"):
            return super().field(name, data_type, types)
        key = (name, data_type, tuple(types))
        return self._once(key, lambda: self.original.field(name, data_type, types).take(self.at))


def _codes(spine: Spine, entities: pa.Array) -> Array:
    """The place of each row's entity among these; -1: it has no events."""
    return pc.index_in(spine.entity_ids, entities).fill_null(-1).to_numpy()


def _by_entity(codes: Array, entities: int, asked: Array | None) -> tuple[Array, Array]:
    """Places of the events entity by entity, else in the order they have; and how many each entity has.

    asked: whose events to take, for each entity; None: all. Exported files hold an entity's events of a month side by
    side, and it is these runs that are put in order, not the events.
    """
    if not len(codes):
        return np.zeros(0, np.int64), np.zeros(entities, np.int64)
    starts = np.flatnonzero(np.concatenate([[True], codes[1:] != codes[:-1]]))
    lengths, codes = np.diff(starts, append=len(codes)), codes[starts]
    if asked is not None:
        kept = asked[codes]
        starts, lengths, codes = starts[kept], lengths[kept], codes[kept]
    order = np.argsort(codes.astype(np.uint16) if entities < 65_536 else codes, kind="stable")
    counts = np.bincount(codes, lengths, minlength=entities).astype(np.int64)
    return stretched(starts[order], lengths[order]), counts


def _order(times: Array, offsets: Array, table: pa.Table, places: Array) -> Array | None:
    """What puts events that lie entity by entity in the order of time and id; None if they are.

    Without ids, events of one instant come in the order of their ids already.
    """
    ids = words(table.column("id"))[places] if "id" in table.column_names else None
    wrong = times[1:] < times[:-1]
    if ids is not None:
        wrong |= (times[1:] == times[:-1]) & (ids[1:] < ids[:-1])
    between = offsets[1:-1]
    wrong[between[(between > 0) & (between < len(times))] - 1] = False
    if not wrong.any():
        return None
    rows = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    return np.lexsort((times, rows) if ids is None else (ids, times, rows))


def after(values: Array, start: Array, end: Array, bounds: Array) -> Array:
    """The first place from `start` to `end`, between which values rise, with a value above the bound; one for each row.

    A binary search of all rows side by side.
    """
    place = start.copy()
    step = 1 << int((end - start).max(initial=0)).bit_length()
    while step := step >> 1:
        further = place + step
        inside = further <= end
        below = values[np.where(inside, further - 1, 0)] <= bounds if len(values) else inside
        np.copyto(place, further, where=inside & below)
    return place


def spread(start: Array, end: Array) -> tuple[Array, Array]:
    """Every place from `start` to `end` of each row, with the row's number: (rows, places)."""
    lengths = end - start
    return np.repeat(np.arange(len(start)), lengths), stretched(start, lengths)


def stretched(start: Array, lengths: Array) -> Array:
    """So many places from each start on, one after the other."""
    ends = np.cumsum(lengths)
    places = np.repeat(start + lengths - ends, lengths)
    places += np.arange(len(places))
    return places
