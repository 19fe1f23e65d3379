"""The same declarations for engines beyond PostgreSQL, as one ibis expression: DuckDB on exported Parquet for one.

Events and spine are tables of the engine; all of it is lazy, and no SQL of any dialect is written here. Features that
are Python functions, and what is derived from them, run where the rows are fetched and are left out.
"""

from __future__ import annotations

from decimal import Decimal
from functools import reduce
from operator import and_
from typing import Any

import ibis
import ibis.expr.types as ir

from features.definitions import FeatureSet
from features.language.aggregates import Aggregate
from features.language.derived import SIGNS, Constant, Expression, type_of
from features.language.pure import COLUMNS, seconds_in

DECIMAL, FACTOR = "decimal(38, 18)", "decimal(19, 9)"
TYPES = {"integer": DECIMAL, "decimal": DECIMAL, "float": DECIMAL, "string": "string", "boolean": "boolean",
         "datetime": "timestamp('UTC', 6)"}  # fmt: skip
ZERO = {"count", "sum", "distinct"}  # 0 rather than null when there is nothing
MICROSECONDS = 1_000_000


def compute_expression(
    feature_set: type[FeatureSet], events: ir.Table, spine: ir.Table, *, known_at: Any = None
) -> ir.Table:
    """The set's values for each row of the spine: place, entity_id, as_of, source_rows, and a column a feature.

    events: id, entity_id, event_type, event_time, recorded_at, value decimal(38, 18), payload (JSON text), all of the
    set's entity type. spine: place (unique), entity_id, as_of. Times in UTC. With known_at, what was recorded later
    is not seen. Numbers in the payload are exact up to 15 digits, or up to 38 when they are written as strings.
    """
    if feature_set.source:
        events = events.filter(events.event_type.isin(list(feature_set.source)))
    if known_at is not None:
        events = events.filter(events.recorded_at <= known_at)
    asked = spine.select("place", "as_of", asked_entity=spine.entity_id)
    seen = asked.join(events, (asked.asked_entity == events.entity_id) & (events.event_time <= asked.as_of))
    seen = _with_fields(feature_set, seen)
    aggregates = feature_set.aggregates()
    simple = {name: _aggregate(a, seen) for name, a in aggregates.items() if a.kind != "entropy"}
    found = seen.group_by("place").aggregate(source_rows=seen.count(), **simple)
    result = spine.left_join(found, "place").drop("place_right")
    for name, aggregate in aggregates.items():
        if aggregate.kind == "entropy":
            result = _with_entropy(result, seen, name, aggregate)
    zero = {name: result[name].fill_null(0) for name, a in aggregates.items() if a.kind in ZERO}
    result = result.mutate(source_rows=result.source_rows.fill_null(0), **zero)
    if not feature_set.functions():
        for name, derived in feature_set.derived().items():
            result = result.mutate(**{name: _derived(feature_set, result, derived.expression, derived.data_type)})
    computed = [name for name in feature_set.features if name in result.columns]
    return result.select("place", "entity_id", "as_of", "source_rows", *computed)


def _column(aggregate: Aggregate) -> str:
    """The name of the field as the aggregate reads it."""
    return aggregate.field if aggregate.field in COLUMNS else f"{aggregate.field} {_type(aggregate)}"


def _type(aggregate: Aggregate) -> str:
    return "string" if aggregate.kind in {"distinct", "entropy"} else TYPES[aggregate.data_type]


def _with_fields(feature_set: type[FeatureSet], seen: ir.Table) -> ir.Table:
    """Each key of the payload as a column, cast only in events whose features ask for it."""
    columns: dict[str, ir.Value] = {}
    for aggregate in feature_set.aggregates().values():
        if aggregate.field not in COLUMNS:
            users = [a for a in feature_set.aggregates().values() if _column(a) == _column(aggregate)]
            found = seen.payload.cast("json")[aggregate.field]
            text = ibis.coalesce(found.unwrap_as("string"), found.cast("string").nullif("null"))
            if all(a.types for a in users):
                wanted = seen.event_type.isin(sorted({kind for a in users for kind in a.types}))
                text = ibis.ifelse(wanted, text, ibis.null("string"))
            columns[_column(aggregate)] = text.cast(_type(aggregate))
    return seen.mutate(**columns) if columns else seen


def _window(aggregate: Aggregate, seen: ir.Table) -> list[Any]:
    if aggregate.over is None:
        return []
    return [seen.event_time > seen.as_of - ibis.interval(seconds=int(aggregate.over.total_seconds()))]


def _kept(aggregate: Aggregate, seen: ir.Table) -> Any:
    """The condition of the aggregate's window and filters; None for all."""
    conditions = _window(aggregate, seen)
    if aggregate.types:
        conditions.append(seen.event_type.isin(list(aggregate.types)))
    if aggregate.above is not None:
        conditions.append(seen[_column(aggregate)] > _number(aggregate.above))
    if aggregate.below is not None:
        conditions.append(seen[_column(aggregate)] < _number(aggregate.below))
    return reduce(and_, conditions) if conditions else None


def _aggregate(aggregate: Aggregate, seen: ir.Table) -> Any:
    where = _kept(aggregate, seen)
    match aggregate.kind:
        case "count":
            return seen.count(where=where)
        case "ratio":
            base = seen.count(where=reduce(and_, _window(aggregate, seen), ibis.literal(True)))
            return seen.count(where=where).cast("float64") / base.nullif(0)
        case "days_since_last" | "since_last":
            last = seen.event_time.max(where=where)
            length = seen.as_of.max().delta(last, unit="microsecond")
            return length.cast("float64") / (MICROSECONDS * seconds_in(aggregate))
    field = seen[_column(aggregate)]
    match aggregate.kind:
        case "sum":
            return field.sum(where=where)
        case "mean":
            return field.mean(where=where).cast("float64")
        case "stddev":
            return field.cast("float64").std(where=where, how="sample")
        case "quantile":
            return field.cast("float64").quantile(float(aggregate.q or 0), where=where)
        case "min" | "max":
            return getattr(field, aggregate.kind)(where=where)
        case "first" | "last":
            present = field.notnull() if where is None else where & field.notnull()
            newest = [seen.event_time.desc(), seen.id.desc()]
            oldest = [seen.event_time.asc(), seen.id.asc()]
            return field.first(where=present, order_by=oldest if aggregate.kind == "first" else newest)
        case "distinct":
            return field.nunique(where=where)
    raise ValueError(f"no aggregate is called {aggregate.kind}")


def _with_entropy(result: ir.Table, seen: ir.Table, name: str, aggregate: Aggregate) -> ir.Table:
    where = _kept(aggregate, seen)
    labelled = (seen if where is None else seen.filter(where)).select("place", label=seen[_column(aggregate)])
    counts = labelled.drop_null("label").group_by("place", "label").aggregate(n=lambda t: t.count())
    shares = counts.mutate(share=counts.n / counts.n.sum().over(ibis.window(group_by="place")))
    entropy = shares.group_by("place").aggregate(**{name: (shares.share * shares.share.log2()).sum().abs()})
    return result.left_join(entropy, "place").drop("place_right")


def _derived(feature_set: type[FeatureSet], result: ir.Table, node: Any, data_type: str) -> Any:
    """An expression over the set's columns, in decimals until a float comes in.

    38 digits hold the product of two decimals when each brings at most 9 decimals.
    """
    kind = "float64" if data_type == "float" else DECIMAL
    if isinstance(node, Constant):
        return _number(node.number) if kind == DECIMAL else ibis.literal(float(node.number))
    if not isinstance(node, Expression):
        return result[feature_set.name_of(node)].cast(kind)
    inner = "float" if node.sign == "/" or "float" in {type_of(node.left), type_of(node.right)} else "decimal"
    left, right = (_derived(feature_set, result, side, inner) for side in (node.left, node.right))
    if node.sign == "*" and inner == "decimal" and not {type(node.left), type(node.right)} & {Constant}:
        left, right = left.cast(FACTOR), right.cast(FACTOR)
    return SIGNS[node.sign](left, right.nullif(0) if node.sign == "/" else right).cast(kind)


def _number(number: Decimal) -> Any:
    digits, exponent = len(number.as_tuple().digits), int(number.as_tuple().exponent)
    scale = max(0, -exponent)
    return ibis.literal(number, f"decimal({max(digits + max(0, exponent), scale + 1)}, {scale})")
