"""The meaning of each aggregate in plain Python: exact fractions, no database. SQL is held against it in tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from math import sqrt
from typing import Any

from features.aggregates import Aggregate


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
    if aggregate.kind == "days_since_last":
        latest = max((e.event_time for e in kept), default=None)
        return None if latest is None else (as_of - latest).total_seconds() / 86_400
    if aggregate.kind == "distinct":
        return len({_text(aggregate, e) for e in kept} - {None})
    ordered = sorted(kept, key=lambda e: (e.event_time, e.number))
    numbers = [n for n in (_number(aggregate, e) for e in ordered) if n is not None]
    return _reduce(aggregate.kind, numbers)


def _reduce(kind: str, numbers: list[Decimal]) -> Any:
    if kind == "sum":
        return sum(numbers, Decimal(0))
    if not numbers:
        return None
    if kind in {"min", "max"}:
        return min(numbers) if kind == "min" else max(numbers)
    if kind in {"first", "last"}:
        return numbers[0] if kind == "first" else numbers[-1]
    exact = [Fraction(n) for n in numbers]
    average = sum(exact, Fraction(0)) / len(exact)
    if kind == "mean":
        return float(average)
    if kind == "stddev":
        if len(exact) < 2:
            return None
        return sqrt(sum(((x - average) ** 2 for x in exact), Fraction(0)) / (len(exact) - 1))
    raise ValueError(f"no aggregate is called {kind}")


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


def _number(aggregate: Aggregate, event: Happening) -> Decimal | None:
    if aggregate.field == "value":
        return event.value
    raw = event.payload.get(aggregate.field)
    return None if raw is None else Decimal(str(raw))


def _text(aggregate: Aggregate, event: Happening) -> Any:
    if aggregate.field == "event_type":
        return event.event_type
    raw = event.value if aggregate.field == "value" else event.payload.get(aggregate.field)
    return None if raw is None else str(raw)
