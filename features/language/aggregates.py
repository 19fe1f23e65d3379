"""What can be asked of an entity's events: the words of a feature set.

    deposits_30d = agg.sum("value", over=agg.days(30), above=0, unit="CZK", description="Money in, last 30 days.")

A window is (t - over, t]: the instant t counts, the instant t - over does not. Without one, all events up to t.
`types` keeps events of these types, `above`/`below` those whose field is strictly greater/less than the bound.
`expected` is the range values should lie in, for quality checks: it changes no value and may change at any time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from features.language.derived import NUMBERS, Derived, Operand, as_expression
from features.language.pure import SECONDS_IN

INTEGER, DECIMAL, FLOAT = "integer", "decimal", "float"
STRING, DATETIME, BOOLEAN = "string", "datetime", "boolean"
DATA_TYPES = (INTEGER, DECIMAL, FLOAT, STRING, DATETIME, BOOLEAN)
Range = tuple[Decimal | None, Decimal | None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Aggregate(Operand):
    """One feature, declared. `field` is `value`, `event_type`, `event_time`, or a key of the event's payload.

    q: the quantile asked for, 0–1. over: the window's length.
    """

    kind: str
    data_type: str
    unit: str
    description: str = ""
    field: str = "value"
    over: timedelta | None = None
    types: tuple[str, ...] = ()
    above: Decimal | None = None
    below: Decimal | None = None
    q: Decimal | None = None
    expected: Range | None = None

    def definition(self) -> dict[str, Any]:
        """What the checksum covers: everything that can change a value."""
        words = {
            "kind": self.kind,
            "data_type": self.data_type,
            "unit": self.unit,
            "field": self.field,
            "over_s": None if self.over is None else int(self.over.total_seconds()),
            "types": sorted(self.types),
            "above": None if self.above is None else str(self.above),
            "below": None if self.below is None else str(self.below),
        }
        return words if self.q is None else words | {"q": str(self.q)}


def days(number: int) -> timedelta:
    return timedelta(days=number)


def hours(number: int) -> timedelta:
    return timedelta(hours=number)


def _aggregate(kind: str, data_type: str, options: dict[str, Any]) -> Aggregate:
    for bound in ("above", "below", "q"):
        if options.get(bound) is not None:
            options[bound] = Decimal(options[bound])
    options["types"] = tuple(options.get("types", ()))
    options["expected"] = bounds(options.get("expected"))
    data_type = options.pop("data_type", data_type)
    if data_type not in DATA_TYPES:
        raise RuntimeError(f"{kind}: no data type is called {data_type!r}")
    if not isinstance(options.get("over"), timedelta | None):
        raise RuntimeError(f"{kind}: a window is a length of time such as agg.days(30), not {options['over']!r}")
    if data_type not in NUMBERS and (options.get("above") is not None or options.get("below") is not None):
        raise RuntimeError(f"{kind}: above and below are for numbers")
    return Aggregate(kind=kind, data_type=data_type, **options)


def bounds(expected: Sequence[Any] | None) -> Range | None:
    """(low, high), both inclusive; None on a side leaves it open."""
    if expected is None:
        return None
    low, high = (None if end is None else Decimal(end) for end in expected)
    return low, high


def _chosen(kind: str, field: str, options: dict[str, Any]) -> Aggregate:
    """One of the events' own values: its type is the field's."""
    return _aggregate(kind, DATETIME if field == "event_time" else DECIMAL, {"field": field, **options})


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


def quantile(field: str = "value", *, q: str | float, **options: Any) -> Aggregate:
    """The value a share `q` lies below, interpolated between neighbours; null for none. q = 0.5 is the median."""
    if not 0 <= Decimal(str(q)) <= 1:
        raise RuntimeError("a quantile lies between 0 and 1")
    return _aggregate("quantile", FLOAT, {"field": field, "q": str(q), **options})


def min(field: str = "value", **options: Any) -> Aggregate:
    return _chosen("min", field, options)


def max(field: str = "value", **options: Any) -> Aggregate:
    return _chosen("max", field, options)


def first(field: str = "value", **options: Any) -> Aggregate:
    """The value of the earliest event; of events at one instant, the one stored first."""
    return _chosen("first", field, options)


def last(field: str = "value", **options: Any) -> Aggregate:
    """The value of the latest event; of events at one instant, the one stored last."""
    return _chosen("last", field, options)


def distinct(field: str = "event_type", *, unit: str = "types", **options: Any) -> Aggregate:
    """How many different values."""
    return _aggregate("distinct", INTEGER, {"field": field, "unit": unit, **options})


def entropy(field: str = "event_type", *, unit: str = "bits", **options: Any) -> Aggregate:
    """Shannon entropy of the field's values in bits: 0 when they are all the same, null for none."""
    return _aggregate("entropy", FLOAT, {"field": field, "unit": unit, **options})


def ratio(*, unit: str = "share", **options: Any) -> Aggregate:
    """Share of the window's events that the filter keeps, 0–1; null when the window has none."""
    return _aggregate("ratio", FLOAT, {"unit": unit, **options})


def days_since_last(*, unit: str = "days", **options: Any) -> Aggregate:
    """Days from the latest event to t, null for none."""
    return _aggregate("days_since_last", FLOAT, {"unit": unit, **options})


def since_last(*, unit: str, **options: Any) -> Aggregate:
    """Time from the latest event to t in `unit` (seconds, minutes, hours, days); null for none."""
    if unit not in SECONDS_IN:
        raise RuntimeError(f"since_last counts in {', '.join(SECONDS_IN)}, not in {unit!r}")
    return _aggregate("since_last", FLOAT, {"unit": unit, **options})


def derived(expression: Any, *, unit: str, description: str = "", expected: Sequence[Any] | None = None) -> Derived:
    """A feature computed from others of its set by + - * / and numbers; null with a null, or when divided by 0.

    spend_per_visit = agg.derived(spend_30d / visits_30d, unit="USD", description="…")
    """
    return Derived(expression=as_expression(expression), unit=unit, description=description, expected=bounds(expected))
