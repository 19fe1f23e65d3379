"""Every declared aggregate, for all rows of a spine side by side. features.language.pure says what each means.

What adds up is a difference of running totals, so its cost does not grow with the window; the rest goes over the
events of each window once, in loops of numpy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from fractions import Fraction
from math import isqrt
from typing import Any

import numpy as np

from features.language.aggregates import Aggregate
from features.language.pure import seconds_in
from features.training.fields import Array, Field
from features.training.log import Seen, after, spread
from features.training.results import Result, nothing, number, of_field, quotient

AT_ONCE = 4_000_000  # places that are spread out in memory together
WHOLE, HALF = 2**62, 2**32
MICROSECONDS = 1_000_000
MASKED = 62  # different values that fit the bits of one number


@dataclass(frozen=True, slots=True)
class Kept:
    """The events that a filter keeps. places: in the log; None: all. before: how many of them lie before each place."""

    places: Array | None = None
    before: Array | None = None

    @classmethod
    def where(cls, mask: Array | None) -> Kept:
        if mask is None or mask.all():
            return cls()
        return cls(np.flatnonzero(mask), np.concatenate([[0], np.cumsum(mask)]))

    def of(self, values: Array) -> Array:
        return values if self.places is None else values[self.places]

    def between(self, start: Array, end: Array) -> tuple[Array, Array]:
        return (start, end) if self.before is None else (self.before[start], self.before[end])


@dataclass(frozen=True)
class Scope:
    """What rows see, for the sets of one source. What two features need is found once."""

    seen: Seen
    source: tuple[str, ...]
    _once: dict[Any, Any] = field(default_factory=dict)

    def once(self, key: Any, make: Callable[[], Any]) -> Any:
        if key not in self._once:
            self._once[key] = make()
        return self._once[key]

    def window(self, over: timedelta | None) -> tuple[Array, Array]:
        """Places from–to of the window (t - over, t] in the log."""
        seen = self.seen
        if over is None:
            return seen.start, seen.until
        since = seen.times - over // timedelta(microseconds=1)
        return self.once(over, lambda: after(seen.log.times, seen.start, seen.until, since)), seen.until

    def types(self, aggregate: Any) -> tuple[str, ...]:
        """The event types a feature counts; none for all."""
        if not aggregate.types or not self.source:
            return tuple(sorted(aggregate.types or self.source))
        return tuple(sorted(set(aggregate.types) & set(self.source))) or ("",)

    def field(self, aggregate: Aggregate, data_type: str = "") -> Field:
        return self.seen.log.field(aggregate.field, data_type or aggregate.data_type, self.types(aggregate))

    def kept(self, aggregate: Any = None, present: Field | None = None) -> Kept:
        """The events that the source and the feature's types and bounds let in, and whose field has a value."""
        if aggregate is None:
            return self.once(
                ("source",), lambda: Kept.where(self.seen.log.of_types(self.source) if self.source else None)
            )
        bounds = (aggregate.field, aggregate.above, aggregate.below) if _bounded(aggregate) else None
        key = ("kept", self.types(aggregate), bounds, None if present is None else id(present.present))
        return self.once(key, lambda: Kept.where(self._mask(aggregate, present)))

    def _mask(self, aggregate: Aggregate, present: Field | None) -> Array | None:
        masks = []
        if types := self.types(aggregate):
            masks.append(self.seen.log.of_types(types))
        if _bounded(aggregate):
            masks.append(_within(self.field(aggregate, "decimal"), aggregate))
        if present is not None and present.present is not None:
            masks.append(present.present)
        return np.logical_and.reduce(masks) if masks else None

    def bounds(self, aggregate: Aggregate, kept: Kept) -> tuple[Array, Array]:
        return self.once(("bounds", aggregate.over, id(kept)), lambda: kept.between(*self.window(aggregate.over)))


def _bounded(aggregate: Any) -> bool:
    return getattr(aggregate, "above", None) is not None or getattr(aggregate, "below", None) is not None


def _within(values: Field, aggregate: Aggregate) -> Array:
    """Where the value lies between the bounds, compared exactly: as whole numbers at the value's scale."""
    keys = values.keys if values.table is None else np.arange(len(values.table))
    whole = keys if values.table is None else values.table
    mask = np.ones(len(whole), bool)
    if aggregate.above is not None:
        limit = Fraction(aggregate.above) * 10**values.scale
        mask &= whole > int(limit // 1)
    if aggregate.below is not None:
        limit = Fraction(aggregate.below) * 10**values.scale
        mask &= whole < int(-(-limit // 1))
    mask = mask.astype(bool)
    found = mask if values.table is None else mask[values.keys]
    return found if values.present is None else found & values.present


def compute(scope: Scope, aggregate: Aggregate) -> Result:
    """One feature of all rows. Raises UnusableField."""
    match aggregate.kind:
        case "count" | "ratio" | "days_since_last" | "since_last":
            return _of_events(scope, aggregate)
        case "first" | "last" | "min" | "max":
            return _chosen(scope, aggregate)
        case "distinct" | "entropy":
            return _variety(scope, aggregate)
    values = scope.field(aggregate)
    kept = scope.kept(aggregate, values)
    start, end = scope.bounds(aggregate, kept)
    match aggregate.kind:
        case "sum":
            return number(aggregate.data_type, _sums(scope, values, kept, start, end), None, values.scale)
        case "mean":
            total = _sums(scope, values, kept, start, end)
            return Result("float", quotient(total, (end - start) * _power(values.scale), end > start), end > start)
        case "stddev":
            return _deviation(scope, values, kept, start, end)
        case "quantile":
            return _quantile(values, kept.of(values.keys), start, end, Fraction(aggregate.q or 0))
    raise ValueError(f"no aggregate is called {aggregate.kind}")


def _power(scale: int) -> Any:
    """10^scale, as what numpy multiplies by without going past 63 bits."""
    return 10**scale if scale <= 9 else np.array(10**scale, object)


def _of_events(scope: Scope, aggregate: Aggregate) -> Result:
    kept = scope.kept(aggregate)
    start, end = scope.bounds(aggregate, kept)
    if aggregate.kind == "count":
        return Result("integer", end - start)
    if aggregate.kind == "ratio":
        low, high = scope.kept().between(*scope.window(aggregate.over))
        return Result("float", quotient(end - start, np.maximum(high - low, 1)), high > low)
    valid = end > start
    times = np.append(kept.of(scope.seen.log.times), 0)
    passed = np.where(valid, scope.seen.times - times[end - 1], 0)
    return Result("float", passed / MICROSECONDS / seconds_in(aggregate), valid)


def _chosen(scope: Scope, aggregate: Aggregate) -> Result:
    """First and last stand at an end of the window; least and greatest are looked for in it."""
    values = scope.field(aggregate)
    kept = scope.kept(aggregate, values)
    start, end = scope.bounds(aggregate, kept)
    keys, valid = kept.of(values.keys), end > start
    if not len(keys):
        return nothing(aggregate.data_type, len(valid))
    if aggregate.kind in ("first", "last"):
        found = keys[np.minimum(start, len(keys) - 1)] if aggregate.kind == "first" else keys[end - 1]
    else:
        padded = scope.once(("padded", id(values), id(kept)), lambda: np.append(keys, keys[:1]))
        found = reduced(np.minimum if aggregate.kind == "min" else np.maximum, padded, start, end)
    return of_field(aggregate.data_type, values, found, valid)


def reduced(function: Any, padded: Array, start: Array, end: Array) -> Array:
    """`function` over the values from `start` to `end` of each row; the first value for none.

    Starts ascend, so that what lies between two rows is passed once. padded: one value more than there are.
    """
    found = np.full(len(start), padded[0], padded.dtype)
    filled = np.flatnonzero(end > start)
    if len(filled):
        pairs = np.empty(2 * len(filled), np.int64)
        pairs[0::2], pairs[1::2] = start[filled], end[filled]
        found[filled] = function.reduceat(padded, pairs)[::2]
    return found


def _whole(scope: Scope, values: Field, kept: Kept) -> tuple[Array, int]:
    """The whole numbers that are kept, and the size of the largest."""

    def find() -> tuple[Array, int]:
        whole = values.meant(kept.of(values.keys))
        return whole, max(abs(int(whole.max())), abs(int(whole.min()))) if len(whole) else 0

    return scope.once(("whole", id(values), id(kept)), find)


def _sums(scope: Scope, values: Field, kept: Kept, start: Array, end: Array) -> Array:
    """Exact sums. Running totals may pass 63 bits on the way: what matters is that no window's own sum does."""
    whole, most = _whole(scope, values, kept)
    large = whole.dtype == object or most * int((end - start).max(initial=0)) >= WHOLE
    key = ("sums", id(values), id(kept), large)
    running = scope.once(key, lambda: _running(whole.astype(object) if large else whole))
    return running[end] - running[start]


def _running(values: Array) -> Array:
    return np.concatenate([np.zeros(1, values.dtype), np.cumsum(values, dtype=values.dtype)])


def _deviation(scope: Scope, values: Field, kept: Kept, start: Array, end: Array) -> Result:
    """Sample standard deviation: n·Σx² − (Σx)² in whole numbers, so that nothing cancels."""
    valid = end - start > 1
    count, total = (end - start)[valid], _sums(scope, values, kept, start, end)[valid]
    whole, most = _whole(scope, values, kept)
    longest = int(count.max(initial=0))
    squares = scope.once(("squares", id(values), id(kept)), lambda: _squares(whole, most))
    low, high = start[valid], end[valid]
    if len(squares) == 1 and whole.dtype != object and most**2 * longest**2 < WHOLE:
        apart = count * (squares[0][high] - squares[0][low]) - total * total
    else:
        square = sum((part[high] - part[low]).astype(object) * HALF**place for place, part in enumerate(squares))
        count, total = count.astype(object), total.astype(object)
        apart = count * square - total * total
    found = np.zeros(len(start))
    found[valid] = np.sqrt(quotient(apart, count * (count - 1) * _power(2 * values.scale)))  # the same at any scale
    return Result("float", found, valid)


def _squares(whole: Array, most: int) -> list[Array]:
    """Running totals of the squares, in halves of 32 bits where one number would not hold them."""
    if whole.dtype == object or most > isqrt(WHOLE):
        exact = whole.astype(object)
        return [_running(exact * exact)]
    squares = whole * whole
    if most**2 * max(len(whole), 1) < WHOLE:
        return [_running(squares)]
    return [_running(squares & (HALF - 1)), _running(squares >> 32)]


def spread_rows(start: Array, end: Array) -> Iterator[tuple[slice, Array, Array]]:
    """The places of all windows, some rows at a time: the rows, and the row (from 0) and place of each event."""
    lengths = np.cumsum(end - start)
    first = 0
    while first < len(start):
        done = int(lengths[first - 1]) if first else 0
        last = max(first + 1, int(np.searchsorted(lengths, done + AT_ONCE, side="right")))
        rows, places = spread(start[first:last], end[first:last])
        yield slice(first, last), rows, places
        first = last


def _quantile(values: Field, keys: Array, start: Array, end: Array, q: Fraction) -> Result:
    """Between the two neighbours of the place q·(n − 1), worked out in whole numbers and rounded once."""
    found = np.zeros(len(start))
    valid = end > start
    unit = q.denominator * 10**values.scale
    for chunk, rows, places in spread_rows(start, end):
        count = (end - start)[chunk]
        ordered = keys[places][np.lexsort((keys[places], rows))]
        first = np.cumsum(count) - count
        place = q.numerator * (count - 1)
        below, part = place // q.denominator, place % q.denominator
        filled = np.flatnonzero(count)
        low = values.meant(ordered[(first + below)[filled]])
        high = values.meant(ordered[(first + np.minimum(below + 1, count - 1))[filled]])
        between = low.astype(object) * (q.denominator - part[filled]) + high.astype(object) * part[filled]
        found[chunk][filled] = quotient(between, unit)
    return Result("float", found, valid)


def _variety(scope: Scope, aggregate: Aggregate) -> Result:
    """How many different values, or how evenly spread in bits."""
    named = aggregate.field in ("value", "event_type", "event_time")
    values = scope.field(aggregate, "decimal" if named else "string")
    kept = scope.kept(aggregate, values)
    start, end = scope.bounds(aggregate, kept)
    keys = kept.of(values.keys)
    if aggregate.kind == "distinct" and values.table is not None and len(values.table) <= MASKED:
        bits = reduced(np.bitwise_or, np.append(np.int64(1) << keys, np.int64(0)), start, end)
        return Result("integer", np.where(end > start, np.bitwise_count(bits), 0).astype(np.int64))
    found = np.zeros(len(start))
    for chunk, rows, places in spread_rows(start, end):
        order = np.lexsort((keys[places], rows))
        row, key = rows[order], keys[places][order]
        changes = np.flatnonzero((np.diff(row, prepend=-1) != 0) | (np.diff(key, prepend=-1) != 0))
        if aggregate.kind == "distinct":
            found[chunk] = np.bincount(row[changes], minlength=chunk.stop - chunk.start)
            continue
        counts = np.diff(np.append(changes, len(row)))
        shares = counts / (end - start)[chunk][row[changes]]
        found[chunk] = np.bincount(row[changes], -shares * np.log2(shares), minlength=chunk.stop - chunk.start) + 0.0
    if aggregate.kind == "distinct":
        return Result("integer", found.astype(np.int64))
    return Result("float", np.abs(found), end > start)
