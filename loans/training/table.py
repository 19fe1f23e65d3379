"""Cases with a known outcome as columns, and what a card may look at in them."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal, TypedDict

import numpy as np
from numpy.typing import NDArray

from loans.scorecard import APPLICATION, Reason, Value

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Column = NDArray[Any]
Trend = Literal["rising", "falling", "free", "levels"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A characteristic before fitting.

    trend: whether a higher value is better (rising) or worse (falling); free when either may hold anywhere; levels
    for words. edges: fixed instead of fitted. missing: what is said when points are lost for a missing value.
    """

    name: str
    trend: Trend
    unit: str
    reason: Reason
    missing: Reason
    part: str = APPLICATION
    edges: tuple[float, ...] | None = None


class Row(TypedDict):
    """One past loan. inputs: of `card_inputs`, as of the decision and nothing later.

    latest_event: the newest event that any input has seen; None without events.
    """

    borrower_id: str
    decision_date: date
    bad: bool
    inputs: Mapping[str, Value]
    latest_event: datetime | None


@dataclass(frozen=True, slots=True)
class Table:
    """columns: floats with NaN for missing, or words with None. bad: 0 or 1. groups: cases of one group are never on
    both sides of a fold. dates: days of decision, where they are known. late: whether an input saw what came after."""

    columns: Mapping[str, Column]
    bad: Ints
    groups: Column
    dates: Column | None = None
    late: NDArray[np.bool_] | None = field(default=None)

    def __len__(self) -> int:
        return len(self.bad)

    def take(self, chosen: Column) -> Table:
        """Some of the rows, by index or mask."""
        return Table(
            {name: column[chosen] for name, column in self.columns.items()},
            self.bad[chosen],
            self.groups[chosen],
            None if self.dates is None else self.dates[chosen],
            None if self.late is None else self.late[chosen],
        )

    def with_bad(self, bad: Ints) -> Table:
        return Table(self.columns, bad, self.groups, self.dates, self.late)

    def row(self, index: int) -> dict[str, Value]:
        """The inputs of one case as the card takes them."""
        return {name: _value(column[index]) for name, column in self.columns.items()}

    def sha256(self) -> str:
        """Names the data without holding it: floats to 10 significant digits, rows as they are ordered."""
        digest = hashlib.sha256()
        names = sorted(self.columns)
        for index in range(len(self)):
            values = (self.columns[name][index] for name in names)
            shown = [f"{value:.10g}" if isinstance(value, float) else value for value in values]
            day = None if self.dates is None else str(self.dates[index])
            line = [str(self.groups[index]), day, int(self.bad[index]), *shown]
            digest.update(json.dumps(line).encode() + b"\n")
        return digest.hexdigest()


def table_of(rows: Sequence[Row], candidates: Sequence[Candidate]) -> Table:
    """Loans in the order of their decision, whatever order they come in."""
    rows = sorted(rows, key=lambda row: (row["decision_date"], row["borrower_id"]))
    return Table(
        columns={one.name: column_of([row["inputs"].get(one.name) for row in rows], one) for one in candidates},
        bad=np.array([int(row["bad"]) for row in rows], dtype=np.int64),
        groups=np.array([row["borrower_id"] for row in rows]),
        dates=np.array([row["decision_date"] for row in rows], dtype="datetime64[D]"),
        late=np.array([_late(row) for row in rows]),
    )


def column_of(values: Sequence[Value], one: Candidate) -> Column:
    if one.trend == "levels":
        return np.array([None if value is None else str(value) for value in values], dtype=object)
    return np.array([math.nan if value is None else float(value) for value in values])


def _late(row: Row) -> bool:
    latest = row["latest_event"]
    return latest is not None and latest.date() >= row["decision_date"]


def _value(value: Any) -> Value:
    if value is None or isinstance(value, str):
        return value
    return None if math.isnan(value) else float(value)
