"""Mistakes in declarations that Python cannot see: a misspelt event or field would be served as a value of nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.core.checks import CheckMessage, Error

from features.definitions import Event, FeatureSet, declared_fields, event_types, feature_sets
from features.language.aggregates import Aggregate
from features.language.derived import NUMBERS
from features.language.pure import COLUMNS
from features.language.sources import Rows

NUMERIC = {Decimal, int, float}
ADDING = {"sum", "mean", "stddev", "quantile"}
SET_NAME, VERSION, EVENT_NAME = (re.compile(text).fullmatch for text in ("[a-z][a-z0-9_]*", "[A-Za-z0-9._-]+", r"\S+"))


def check_declarations(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """System check: no process starts with a declaration that cannot mean what it says."""
    found = [f"{event.name}: {mistake}" for event in event_types().values() for mistake in of_event(event)]
    for feature_set in feature_sets():
        found += [f"{feature_set.label()}: {mistake}" for mistake in of_set(feature_set)]
    return [Error(mistake, id="features.E002") for mistake in found]


def of_event(event: type[Event]) -> Iterator[str]:
    if not EVENT_NAME(event.name):
        yield f"{event.name!r} is no name of an event: leave out the spaces"
    if event.value is not None:
        taken = declared_fields(event).get(event.value)
        if taken is None:
            yield f"its value is {event.value!r}, which is not among its fields"
        elif not set(taken) <= NUMERIC:
            yield f"its value {event.value!r} is not a number"


def of_set(feature_set: type[FeatureSet]) -> Iterator[str]:
    if not SET_NAME(feature_set.name):
        yield f"{feature_set.name!r} is no name of a set: small letters, digits and _"
    if not VERSION(feature_set.version):
        yield f"{feature_set.version!r} is no version: letters, digits and ._-"
    for name, aggregate in feature_set.aggregates().items():
        rows = feature_set.rows
        mistakes = _of_events(feature_set, aggregate) if rows is None else _of_rows(rows, aggregate)
        yield from (f"{name}: {mistake}" for mistake in mistakes)


def _of_rows(rows: Rows, aggregate: Aggregate) -> Iterator[str]:
    if aggregate.field not in COLUMNS and aggregate.field not in rows.fields:
        yield f"its rows have no field {aggregate.field!r}"
    if aggregate.field == "value" and _looks_at_field(aggregate) and rows.value is None:
        yield "its rows have no value"


def _of_events(feature_set: type[FeatureSet], aggregate: Aggregate) -> Iterator[str]:
    entity = feature_set.entity.name
    declared = {name: event for name, event in event_types().items() if event.entity.name == entity}
    for name in aggregate.types:
        if name not in declared:
            yield f"no event of {entity} is called {name!r}"
        elif feature_set.source and name not in feature_set.source:
            yield f"the set does not count {name!r}"
    names = aggregate.types or feature_set.source or tuple(declared)
    events = [declared[name] for name in names if name in declared]
    if not events or not _looks_at_field(aggregate):
        return
    if aggregate.field == "value":
        if not any(event.value for event in events):
            yield "none of its events has a value"
    elif aggregate.field not in COLUMNS:
        yield from _of_payload(aggregate, events)


def _of_payload(aggregate: Aggregate, events: list[type[Event]]) -> Iterator[str]:
    taken = [set(declared_fields(event)[aggregate.field]) for event in events
             if aggregate.field in declared_fields(event)]  # fmt: skip
    if not taken:
        yield f"none of its events has a field {aggregate.field!r}"
    elif _counts_as_number(aggregate) and not set().union(*taken) <= NUMERIC:
        yield f"{aggregate.field!r} is not a number, so there is no {aggregate.kind} of it"


def _looks_at_field(aggregate: Aggregate) -> bool:
    bounded = aggregate.above is not None or aggregate.below is not None
    return bounded or aggregate.kind not in {"count", "ratio", "days_since_last", "since_last"}


def _counts_as_number(aggregate: Aggregate) -> bool:
    chosen = aggregate.kind in {"min", "max", "first", "last"} and aggregate.data_type in NUMBERS
    return chosen or aggregate.kind in ADDING or aggregate.above is not None or aggregate.below is not None
