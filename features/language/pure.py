"""The meaning of each aggregate in plain Python: exact fractions, no database. SQL is held against it in tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from math import log2, sqrt
from typing import TYPE_CHECKING, Any

from features.language.derived import finished

if TYPE_CHECKING:
    from features.language.aggregates import Aggregate


COLUMNS = ("value", "event_type", "event_time")
SECONDS_IN = {"seconds": 1, "minutes": 60, "hours": 3_600, "days": 86_400}


@dataclass(frozen=True, slots=True)
class Happening:
    """An event as features see it. `number` orders events of one instant as they were stored."""

    event_type: str
    event_time: datetime
    value: Decimal | None = None
    payload: dict[str, Any] = field(default_factory=dict)
    number: int = 0


def evaluate(aggregate: Aggregate, events: Sequence[Happening], as_of: datetime) -> Any:
    """The feature's value at `as_of`; None for null."""
    window = [e for e in events if e.event_time <= as_of]
    if aggregate.over is not None:
        window = [e for e in window if e.event_time > as_of - aggregate.over]
    kept = [e for e in window if _keeps(aggregate, e)]
    if aggregate.kind == "ratio":
        return len(kept) / len(window) if window else None
    if aggregate.kind == "count":
        return len(kept)
    if aggregate.kind in {"days_since_last", "since_last"}:
        latest = max((e.event_time for e in kept), default=None)
        return None if latest is None else (as_of - latest).total_seconds() / seconds_in(aggregate)
    if aggregate.kind == "distinct":
        return len({_text(aggregate, e) for e in kept} - {None})
    if aggregate.kind == "entropy":
        return _entropy([text for text in (_text(aggregate, e) for e in kept) if text is not None])
    ordered = sorted(kept, key=lambda e: (e.event_time, e.number))
    values = [v for v in (_value(aggregate, e) for e in ordered) if v is not None]
    if not values and aggregate.kind != "sum":
        return None
    if aggregate.kind in {"min", "max"}:
        return min(values) if aggregate.kind == "min" else max(values)
    if aggregate.kind in {"first", "last"}:
        return values[0] if aggregate.kind == "first" else values[-1]
    return _reduce(aggregate, values)


def seconds_in(aggregate: Aggregate) -> int:
    """The length of the unit a time is counted in."""
    return SECONDS_IN[aggregate.unit if aggregate.kind == "since_last" else "days"]


def _entropy(texts: list[Any]) -> float | None:
    shares = [texts.count(text) / len(texts) for text in set(texts)]
    return -sum(share * log2(share) for share in shares) + 0.0 if texts else None


def _reduce(aggregate: Aggregate, numbers: list[Decimal]) -> Any:
    kind, exact = aggregate.kind, [Fraction(n) for n in numbers]
    if kind == "sum":
        return finished(sum(exact, Fraction(0)), "decimal")
    if kind == "quantile":
        return _quantile(sorted(exact), Fraction(aggregate.q or 0))
    average = sum(exact, Fraction(0)) / len(exact)
    if kind == "mean":
        return float(average)
    if kind == "stddev":
        if len(exact) < 2:
            return None
        return sqrt(sum(((x - average) ** 2 for x in exact), Fraction(0)) / (len(exact) - 1))
    raise ValueError(f"no aggregate is called {kind}")


def _quantile(ordered: list[Fraction], q: Fraction) -> float:
    place = q * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return float(ordered[below] + (place - below) * (ordered[above] - ordered[below]))


def _keeps(aggregate: Aggregate, event: Happening) -> bool:
    if aggregate.types and event.event_type not in aggregate.types:
        return False
    if aggregate.above is None and aggregate.below is None:
        return True
    number = _number(aggregate, event)
    if number is None:
        return False
    return (aggregate.above is None or number > aggregate.above) and (
        aggregate.below is None or number < aggregate.below
    )


def _raw(field: str, event: Happening) -> Any:
    """A column of the event, or a key of its payload."""
    return getattr(event, field) if field in COLUMNS else event.payload.get(field)


def _number(aggregate: Aggregate, event: Happening) -> Decimal | None:
    raw = _raw(aggregate.field, event)
    return raw if raw is None or isinstance(raw, Decimal) else Decimal(str(raw))


def _value(aggregate: Aggregate, event: Happening) -> Any:
    """The field as the feature's type."""
    raw = _raw(aggregate.field, event)
    if raw is None or isinstance(raw, datetime) or aggregate.data_type == "boolean":
        return raw
    if aggregate.data_type == "datetime":
        return datetime.fromisoformat(raw)
    return _text(aggregate, event) if aggregate.data_type == "string" else _number(aggregate, event)


def _text(aggregate: Aggregate, event: Happening) -> Any:
    raw = _raw(aggregate.field, event)
    return None if raw is None else str(raw)
