"""Features as of many moments at once, from events as columns: what `point_in_time` gives from PostgreSQL.

Every kind of declared aggregate, derived feature and Python function; tests hold it against PostgreSQL and
features.language.pure. Features of rows of a model are not for it: `features.training.reading` says who computes what.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from features.definitions import FeatureSet
from features.engine.compute import CannotCompute
from features.language.aggregates import Aggregate
from features.language.derived import Derived, operands
from features.language.functions import Batch, Computed
from features.language.pure import Happening
from features.training import aggregation, expressions
from features.training.aggregation import Scope, spread_rows
from features.training.fields import WIDE, Array, moment_of
from features.training.log import Log, Spine
from features.training.results import Result, from_python

Wanted = Mapping[type[FeatureSet], Sequence[str]]


def columns_needed(wanted: Wanted, *, known_at: bool) -> list[str]:
    """The columns of events that these features are computed from."""
    features = [s.features[name] for s, names in wanted.items() for name in closure(s, names)]
    fields = {getattr(feature, "field", "") for feature in features if _reads_field(feature)}
    functions = any(isinstance(feature, Computed) for feature in features)
    typed = functions or any(s.source for s in wanted) or any(getattr(feature, "types", ()) for feature in features)
    payload = functions or bool(fields - {"value", "event_type", "event_time"})
    return ["entity_id", "event_time",
            *(["id"] if functions else []),
            *(["event_type"] if typed or "event_type" in fields else []),
            *(["recorded_at"] if known_at else []),
            *(["value"] if functions or "value" in fields else []),
            *(["payload"] if payload else [])]  # fmt: skip


def in_order(wanted: Wanted) -> bool:
    """Whether it matters which of two events of one instant came first."""
    features = (s.features[name] for s, names in wanted.items() for name in closure(s, names))
    return any(isinstance(feature, Computed) or feature.kind in ("first", "last") for feature in features)


def _reads_field(feature: Any) -> bool:
    if getattr(feature, "above", None) is not None or getattr(feature, "below", None) is not None:
        return True
    return feature.kind not in ("count", "ratio", "days_since_last", "since_last", "derived", "function")


def closure(feature_set: type[FeatureSet], names: Sequence[str]) -> list[str]:
    """The features and those they are derived from, in the order of declaration."""
    wanted = {id(feature_set.features[name]) for name in names}
    for feature in reversed(feature_set.features.values()):
        if isinstance(feature, Derived) and id(feature) in wanted:
            wanted |= {id(operand) for operand in operands(feature.expression)}
    return [name for name, feature in feature_set.features.items() if id(feature) in wanted]


def compute(wanted: Wanted, log: Log, spine: Spine) -> pa.Table:
    """A column `set@version:feature` for each feature wanted, in the order of the spine.

    Raises CannotCompute for a function that fails, UnusableField and UnusableValue for what has no exact column.
    """
    seen = log.seen(spine)
    back = np.empty(len(seen.order), np.int64)
    back[seen.order] = np.arange(len(back))
    ids, places = spine.entity_ids.take(pa.array(seen.order)), pa.array(back)
    found, scopes = {}, {feature_set.source: Scope(seen, feature_set.source) for feature_set in wanted}
    for feature_set, names in wanted.items():
        results = _results(scopes[feature_set.source], feature_set, names, ids)
        for name in names:
            label = f"{feature_set.label()}:{name}"
            found[label] = results[name].column(label).take(places)
    return pa.table(found)


def _results(scope: Scope, feature_set: type[FeatureSet], names: Sequence[str], ids: pa.Array) -> dict[str, Result]:
    results: dict[str, Result] = {}
    known: dict[int, Result] = {}
    needed = closure(feature_set, names)
    functions = {name: f for name, f in feature_set.functions().items() if name in needed}
    if functions:
        results |= _functions(scope, feature_set, functions, ids)
    for name in needed:
        feature = feature_set.features[name]
        if isinstance(feature, Derived):
            results[name] = expressions.compute(feature, lambda operand: known[id(operand)])
        elif isinstance(feature, Aggregate):
            results[name] = aggregation.compute(scope, feature)
        known[id(feature)] = results[name]
    return results


def _functions(
    scope: Scope, feature_set: type[FeatureSet], functions: Mapping[str, Computed], ids: pa.Array
) -> dict[str, Result]:
    """Python functions, called for as many rows at a time as events fit in memory."""
    start, end = scope.kept().between(*scope.window(None))
    values: dict[str, list[Any]] = {name: [] for name in functions}
    for chunk, rows, places in spread_rows(start, end):
        different, place = np.unique(places, return_inverse=True)
        happenings = _happenings(scope, different)
        events: list[list[Happening]] = [[] for _ in range(chunk.stop - chunk.start)]
        for row, number in zip(rows.tolist(), place.tolist(), strict=True):
            events[row].append(happenings[number])
        batch = Batch(ids[chunk].to_pylist(), [moment_of(time) for time in scope.seen.times[chunk]], events)
        for name, function in functions.items():
            try:
                values[name] += function.compute(batch)
            except Exception as error:
                raise CannotCompute(f"{feature_set.label()}:{name}: {type(error).__name__}: {error}") from error
    return {name: from_python(function.data_type, values[name]) for name, function in functions.items()}


def _happenings(scope: Scope, places: Array) -> list[Happening]:
    log, kept = scope.seen.log, scope.kept()
    chosen = places if kept.places is None else kept.places[places]
    types, amount = log.types.take(chosen), log.field("value", "decimal").take(chosen)
    whole = amount.meant(amount.keys).tolist()
    there = [True] * len(chosen) if amount.present is None else amount.present.tolist()
    payloads = log.table.column("payload").take(log.places[chosen]).to_pylist()
    facts = zip(types.meant(types.keys), log.times[chosen].tolist(), whole, there, payloads,
                log.column("id")[chosen].tolist(), strict=True)  # fmt: skip
    return [
        Happening(
            event_type=kind,
            event_time=moment_of(time),
            value=Decimal(number).scaleb(-amount.scale, WIDE) if present else None,
            payload=json.loads(payload, parse_float=Decimal),
            number=id_,
        )
        for kind, time, number, present, payload, id_ in facts
    ]
