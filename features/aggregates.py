"""What can be asked of an entity's events: the words of a feature set.

    deposits_30d = agg.sum("value", over=agg.days(30), above=0, unit="CZK", description="Money in, last 30 days.")

A window is (t - over, t]: the instant t counts, the instant t - over does not. Without one, all events up to t.
`types` keeps events of these types, `above`/`below` those whose field is strictly greater/less than the bound.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

INTEGER, DECIMAL, FLOAT = "integer", "decimal", "float"


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate:
    """One feature, declared. `field` is `value`, `event_type`, or a key of the event's payload."""

    kind: str
    data_type: str
    unit: str
    description: str = ""
    field: str = "value"
    over: timedelta | None = None
    types: tuple[str, ...] = ()
    above: Decimal | None = None
    below: Decimal | None = None

    def definition(self) -> dict[str, Any]:
        """What the checksum covers: everything that can change a value."""
        return {
            "kind": self.kind,
            "data_type": self.data_type,
            "unit": self.unit,
            "field": self.field,
            "over_s": None if self.over is None else int(self.over.total_seconds()),
            "types": sorted(self.types),
            "above": None if self.above is None else str(self.above),
            "below": None if self.below is None else str(self.below),
        }


def days(number: int) -> timedelta:
    return timedelta(days=number)


def _aggregate(kind: str, data_type: str, options: dict[str, Any]) -> Aggregate:
    for bound in ("above", "below"):
        if options.get(bound) is not None:
            options[bound] = Decimal(options[bound])
    options["types"] = tuple(options.get("types", ()))
    return Aggregate(kind=kind, data_type=data_type, **options)


def count(*, unit: str = "events", **options: Any) -> Aggregate:
    """How many events. 0 when there are none."""
    return _aggregate("count", INTEGER, {"unit": unit, **options})


def sum(field: str = "value", **options: Any) -> Aggregate:
    """Exact decimal sum. 0 when there is nothing to add."""
    return _aggregate("sum", DECIMAL, {"field": field, **options})


def mean(field: str = "value", **options: Any) -> Aggregate:
    """Arithmetic mean, null for none."""
    return _aggregate("mean", FLOAT, {"field": field, **options})


def stddev(field: str = "value", **options: Any) -> Aggregate:
    """Sample standard deviation (n - 1), null below two."""
    return _aggregate("stddev", FLOAT, {"field": field, **options})


def min(field: str = "value", **options: Any) -> Aggregate:
    return _aggregate("min", DECIMAL, {"field": field, **options})


def max(field: str = "value", **options: Any) -> Aggregate:
    return _aggregate("max", DECIMAL, {"field": field, **options})


def first(field: str = "value", **options: Any) -> Aggregate:
    """The value of the earliest event; of events at one instant, the one stored first."""
    return _aggregate("first", DECIMAL, {"field": field, **options})


def last(field: str = "value", **options: Any) -> Aggregate:
    """The value of the latest event; of events at one instant, the one stored last."""
    return _aggregate("last", DECIMAL, {"field": field, **options})


def distinct(field: str = "event_type", *, unit: str = "types", **options: Any) -> Aggregate:
    """How many different values."""
    return _aggregate("distinct", INTEGER, {"field": field, "unit": unit, **options})


def ratio(*, unit: str = "share", **options: Any) -> Aggregate:
    """Share of the window's events that the filter keeps, 0–1; null when the window has none."""
    return _aggregate("ratio", FLOAT, {"unit": unit, **options})


def days_since_last(*, unit: str = "days", **options: Any) -> Aggregate:
    """Days from the latest event to t, null for none."""
    return _aggregate("days_since_last", FLOAT, {"unit": unit, **options})
