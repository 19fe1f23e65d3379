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

FEW = 0.75  # of the events: below this share, those of other entities are left out before sorting


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
        times, ids = words(table.column("event_time")), words(table.column("id"))
        keep = None
        if spine is not None:
            keep = _wanted(codes, entities, spine)
            if isinstance(spine.known_at, int):
                known = words(table.column("recorded_at")) <= spine.known_at
                keep = known if keep is None else keep & known
        if keep is None:
            places = _order(codes, times, ids)
        else:
            kept = np.flatnonzero(keep)
            places = kept[_order(codes[kept], times[kept], ids[kept])]
        offsets = np.searchsorted(codes[places], np.arange(len(entities) + 1))
        return cls(table, places, times[places], entities, offsets)

    def __len__(self) -> int:
        return len(self.places)

    def column(self, name: str) -> Array:
        """The words of a column of whole numbers or times."""
        return words(self.table.column(name))[self.places]

    @cached_property
    def types(self) -> Field:
        codes, names = coded(self.table.column("event_type"))
        return texts(codes, names.to_pylist()).take(self.places)

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

    def seen(self, spine: Spine) -> tuple[Log, Array, Array]:
        """For each row of the spine the events up to its time, as a log and places from–to in it.

        With a known_at for each row the log is a new one, in which every row has its own copy of what it knew.
        """
        code = pc.index_in(spine.entity_ids, self.entities).fill_null(-1).to_numpy()
        known = code >= 0
        start, end = np.where(known, self.offsets[code], 0), np.where(known, self.offsets[code + 1], 0)
        until = after(self.times, start, end, spine.times)
        if not isinstance(spine.known_at, np.ndarray):
            return self, start, until
        rows, places = spread(start, until)
        kept = self.column("recorded_at")[places] <= spine.known_at[rows]
        rows, places = rows[kept], places[kept]
        ends = np.searchsorted(rows, np.arange(1, len(spine) + 1))
        copy = _Copy(self.table, self.places[places], self.times[places], self.entities, ends, original=self, at=places)
        return copy, np.concatenate([[0], ends[:-1]]), ends


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


def _wanted(codes: Array, entities: pa.Array, spine: Spine) -> Array | None:
    """Where events are of an entity in the spine; None when most are."""
    asked = pc.is_in(entities, value_set=spine.entity_ids.unique()).to_numpy(zero_copy_only=False)
    if not len(entities) or asked.mean() >= FEW:
        return None
    return asked[codes]


def _order(codes: Array, times: Array, ids: Array) -> Array:
    """Places by code, time and id. Exported files come by time within each entity, so that codes alone often do."""
    narrow = codes.astype(np.uint16) if not len(codes) or codes.max() < 65_536 else codes
    order = np.argsort(narrow, kind="stable")
    sorted_times = times[order]
    together = np.diff(narrow[order].astype(np.int64)) == 0
    steps = np.diff(sorted_times)
    if not (together & (steps < 0)).any():
        level = np.flatnonzero(together & (steps == 0))
        if not len(level) or (ids[order[level + 1]] > ids[order[level]]).all():
            return order
    return np.lexsort((ids, times, codes))


def after(values: Array, start: Array, end: Array, bounds: Array) -> Array:
    """The first place from `start` to `end`, between which values rise, with a value above the bound; one for each row.

    A binary search of all rows side by side.
    """
    low, high = start.copy(), end.copy()
    while True:
        open_ = np.flatnonzero(low < high)
        if not len(open_):
            return low
        middle = (low[open_] + high[open_]) >> 1
        below = values[middle] <= bounds[open_]
        low[open_[below]] = middle[below] + 1
        high[open_[~below]] = middle[~below]


def spread(start: Array, end: Array) -> tuple[Array, Array]:
    """Every place from `start` to `end` of each row, with the row's number: (rows, places)."""
    lengths = end - start
    rows = np.repeat(np.arange(len(start)), lengths)
    firsts = np.cumsum(lengths) - lengths
    return rows, np.arange(len(rows)) - (firsts - start)[rows]
