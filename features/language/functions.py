"""Features that are Python functions, called once for a batch of entities.

@feature(data_type="float", unit="seconds", over=agg.days(30))
def gap_median(batch: Batch) -> list[float | None]:
    \"\"\"Median time between movements.\"\"\"
    return [median_gap(events) for events in batch.events]
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from math import isfinite
from typing import Any

from features.language.aggregates import DATA_TYPES, Range, bounds
from features.language.derived import Operand
from features.language.pure import Happening


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows to compute, side by side: the entity, its as-of time, and the events it had seen by then, oldest first."""

    entity_ids: Sequence[str]
    times: Sequence[datetime]
    events: Sequence[Sequence[Happening]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Computed(Operand):
    """A feature that is a function. Its source text is part of the checksum; what the function calls is not."""

    function: Callable[[Batch], Sequence[Any]]
    data_type: str
    unit: str
    description: str = ""
    over: timedelta | None = None
    types: tuple[str, ...] = ()
    expected: Range | None = None
    kind = "function"

    def definition(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "data_type": self.data_type,
            "unit": self.unit,
            "over_s": None if self.over is None else int(self.over.total_seconds()),
            "types": sorted(self.types),
            "source": source_hash(self.function),
        }

    def compute(self, batch: Batch) -> list[Any]:
        """One value a row, as JSON keeps it. Raises ValueError for another number of values or a wrong type."""
        seen = replace(batch, events=[self._seen(*row) for row in zip(batch.events, batch.times, strict=True)])
        values = list(self.function(seen))
        if len(values) != len(batch.entity_ids):
            raise ValueError(f"{self.function.__name__} gave {len(values)} values for {len(batch.entity_ids)} rows")
        return [self._checked(value) for value in values]

    def _seen(self, events: Sequence[Happening], as_of: datetime) -> list[Happening]:
        since = None if self.over is None else as_of - self.over
        return [
            event
            for event in events
            if (since is None or event.event_time > since) and (not self.types or event.event_type in self.types)
        ]

    def _checked(self, value: Any) -> Any:
        if value is None:
            return None
        try:
            if self.data_type == "float":
                value = float(value)
                return value if isfinite(value) else None
            if self.data_type == "integer" and int(value) == value:
                return int(value)
            if self.data_type == "decimal":
                return Decimal(value)
        except (TypeError, ArithmeticError):
            pass
        if isinstance(value, TYPES.get(self.data_type, ())):
            return value
        raise ValueError(f"{self.function.__name__} gave {value!r:.80} where a {self.data_type} belongs")


TYPES: dict[str, type] = {"string": str, "datetime": datetime, "boolean": bool}


def feature(
    *,
    data_type: str,
    unit: str,
    description: str = "",
    over: timedelta | None = None,
    types: Sequence[str] = (),
    expected: Sequence[Any] | None = None,
) -> Callable[[Callable[[Batch], Sequence[Any]]], Computed]:
    """Make a feature of a function of a `Batch` that returns one value a row; its docstring is the description."""
    if data_type not in DATA_TYPES:
        raise RuntimeError(f"no data type is called {data_type!r}")

    def decorate(function: Callable[[Batch], Sequence[Any]]) -> Computed:
        return Computed(
            function=function,
            data_type=data_type,
            unit=unit,
            description=description or (inspect.getdoc(function) or ""),
            over=over,
            types=tuple(types),
            expected=bounds(expected),
        )

    return decorate


def source_hash(function: Callable[..., Any]) -> str:
    """SHA-256 of the function as written, without decorators, docstring, comments and layout."""
    [node] = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    if not isinstance(node, ast.FunctionDef):
        raise RuntimeError("a feature's function is written with def")
    node.decorator_list = []
    if ast.get_docstring(node) is not None:
        node.body = node.body[1:] or [ast.Pass()]
    return hashlib.sha256(ast.unparse(node).encode()).hexdigest()
