"""Where features read from, besides raw events: the rows of any Django model, each taken as something that happened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.db import connection
from django.db.models import F, Q, TextField, Value
from django.db.models.expressions import BaseExpression
from django.db.models.functions import Cast

Column = str | BaseExpression | F


@dataclass(frozen=True, kw_only=True, eq=False)
class Rows:
    """A model whose rows are what features aggregate.

    model: its label, `policies.Quote`. entity_id, event_time and the others are paths such as `policy__user_id`, or
    expressions. A row without event_time has not happened yet. recorded_at: when we learned it; without one, at
    event_time. fields: the further columns that features may name. where: which rows count at all.
    """

    model: str
    entity_id: Column
    event_time: Column
    recorded_at: Column | None = None
    event_type: Column | None = None
    value: Column | None = None
    fields: Mapping[str, Column] = field(default_factory=dict)
    where: Q | None = None

    def definition(self) -> dict[str, Any]:
        """What the checksum covers."""
        columns = {name: _text(column) for name, column in self.columns().items()}
        return {"model": self.model, "columns": columns, "where": "" if self.where is None else str(self.where)}

    def columns(self) -> dict[str, Column]:
        """Every column by the name the compiler knows it by."""
        return {
            "id": "pk",
            "entity_id": self.entity_id,
            "event_time": self.event_time,
            "recorded_at": self.event_time if self.recorded_at is None else self.recorded_at,
            "event_type": Value(self.model) if self.event_type is None else self.event_type,
            **({} if self.value is None else {"value": self.value}),
            **{f"field_{name}": column for name, column in self.fields.items()},
        }

    def query(self) -> tuple[str, tuple[Any, ...], str]:
        """SQL giving the columns with an `s_` before their names, its parameters, and the type of `s_entity_id`."""
        queryset = apps.get_model(self.model)._base_manager.order_by()
        if self.where is not None:
            queryset = queryset.filter(self.where)
        columns = {f"s_{name}": _expression(column) for name, column in self.columns().items()}
        columns["s_event_type"] = Cast(columns["s_event_type"], TextField())
        query = queryset.values(**columns).query
        entity_type = query.annotation_select["s_entity_id"].output_field.db_type(connection)
        sql, parameters = query.sql_with_params()
        return sql, parameters, str(entity_type)


def _expression(column: Column) -> Any:
    return F(column) if isinstance(column, str) else column


def _text(column: Any) -> str:
    """A column as the checksum takes it: a path, or an expression with everything it was made with."""
    if isinstance(column, tuple):
        return f"({', '.join(_text(part) for part in column)})"
    if isinstance(column, BaseExpression):
        return _text(column.identity)  # type: ignore[attr-defined]
    return column.__name__ if isinstance(column, type) else str(column)
