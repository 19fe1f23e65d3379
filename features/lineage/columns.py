"""Which columns a feature is made of: definition ← columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db.models import F, Model, Q

from features.definitions import FeatureSet
from features.language.aggregates import Aggregate
from features.language.derived import Derived, operands
from features.language.functions import Computed
from features.language.pure import COLUMNS
from features.language.sources import Rows
from features.models import RawEvent

VALUE, FILTER, ENTITY = "value", "filter", "entity"
WITHOUT_FIELD = {"count", "ratio"}
SINCE = {"days_since_last", "since_last"}


@dataclass(frozen=True, slots=True, order=True)
class Column:
    """A column that is read. use: `value` becomes the feature, `filter` picks rows, `entity` says whose they are."""

    table: str
    name: str
    use: str


def columns_of(feature_set: type[FeatureSet], name: str) -> list[Column]:
    """The columns that one feature reads, sorted. A key of an event's data counts as its column, `payload`."""
    feature = feature_set.features[name]
    if isinstance(feature, Derived):
        parts = {feature_set.name_of(operand) for operand in operands(feature.expression)}
        return sorted({column for part in parts for column in columns_of(feature_set, part)})
    found = {
        Column(*column, use) for word, use in _words(feature_set, feature) for column in _behind(feature_set, word)
    }
    if feature_set.rows is not None and feature_set.rows.where is not None:
        model = apps.get_model(feature_set.rows.model)
        found |= {Column(*column, FILTER) for column in _resolved(model, _paths(feature_set.rows.where))}
    return sorted(found)


def columns_of_set(feature_set: type[FeatureSet]) -> dict[str, list[Column]]:
    """The columns of every feature, by its name."""
    return {name: columns_of(feature_set, name) for name in feature_set.features}


def _words(feature_set: type[FeatureSet], feature: Aggregate | Computed) -> Iterator[tuple[str, str]]:
    """What a feature asks of its source in the words of definitions, and what for."""
    yield "entity_id", ENTITY
    yield "event_time", FILTER
    if feature.types or feature_set.source:
        yield "event_type", FILTER
    if isinstance(feature, Computed):
        fields = [f"field_{key}" for key in feature_set.rows.fields] if feature_set.rows else ["payload"]
        yield from ((word, VALUE) for word in (*COLUMNS, *fields))
    elif feature.kind in SINCE:
        yield "event_time", VALUE
    elif feature.kind not in WITHOUT_FIELD:
        yield _word(feature_set, feature.field), VALUE
    if isinstance(feature, Aggregate) and (feature.above is not None or feature.below is not None):
        yield _word(feature_set, feature.field), FILTER


def _word(feature_set: type[FeatureSet], field: str) -> str:
    if field in COLUMNS:
        return field
    return "payload" if feature_set.rows is None else f"field_{field}"


def _behind(feature_set: type[FeatureSet], word: str) -> set[tuple[str, str]]:
    """(table, column) pairs behind a word."""
    if feature_set.rows is None:
        names = ["entity_type", "entity_id"] if word == "entity_id" else [word]
        return {(RawEvent._meta.db_table, name) for name in names}
    return _of_rows(feature_set.rows, word)


def _of_rows(rows: Rows, word: str) -> set[tuple[str, str]]:
    column = rows.columns().get(word)
    return set() if column is None else set(_resolved(apps.get_model(rows.model), _paths(column)))


def _paths(expression: Any) -> Iterator[str]:
    """The ORM paths that an expression or a condition names."""
    if isinstance(expression, str):
        yield expression
    elif isinstance(expression, F):
        yield expression.name  # type: ignore[attr-defined]
    elif isinstance(expression, Q):
        for child in expression.children:
            yield from _paths(child[0] if isinstance(child, tuple) else child)
    elif hasattr(expression, "get_source_expressions"):
        for part in expression.get_source_expressions():
            yield from _paths(part)


def _resolved(model: type[Model], paths: Iterable[str]) -> Iterator[tuple[str, str]]:
    for path in paths:
        meta, found = model._meta, None
        for step in path.split("__"):
            try:
                field: Any = meta.get_field(meta.pk.name if step == "pk" and meta.pk else step)
            except FieldDoesNotExist:
                break  # a lookup, or a key within a JSON column
            if getattr(field, "column", None):
                found = (meta.db_table, field.column)
            if not field.is_relation or step == getattr(field, "attname", None):
                break
            meta = field.related_model._meta
        if found:
            yield found
