"""From a declaration to one SQL query. The only place where a feature becomes SQL; no text of users enters it."""

from __future__ import annotations

from typing import Any

from features.aggregates import Aggregate
from features.definitions import FeatureSet

JSON_PAIRS = 45  # a PostgreSQL function takes at most 100 arguments


def compute_query(feature_set: type[FeatureSet]) -> tuple[str, dict[str, Any]]:
    """A query over a spine: parameters `entity_ids` text[] and `times` timestamptz[] give its (entity, as-of) rows.

    Columns: entity_id, as_of, source_rows, vals (jsonb). One row for each row of the spine, events or not.
    With `known_at` set, events recorded later are not seen. The lateral join reads one range of the covering index
    for each row.
    """
    parameters: dict[str, Any] = {"entity_type": feature_set.entity.name}
    pairs = []
    for number, (name, aggregate) in enumerate(feature_set.features.items()):
        expression = _expression(aggregate, f"p{number}_", parameters)
        parameters[f"n{number}"] = name
        pairs.append(f"%(n{number})s, {expression}")
    objects = [
        f"jsonb_build_object({', '.join(pairs[start : start + JSON_PAIRS])})"
        for start in range(0, len(pairs), JSON_PAIRS)
    ]
    source = ""
    if feature_set.source:
        parameters["source"] = list(feature_set.source)
        source = "AND r.event_type = ANY(%(source)s)"
    query = f"""
SELECT s.entity_id, s.as_of, a.source_rows, a.vals
FROM unnest(%(entity_ids)s::text[], %(times)s::timestamptz[]) AS s(entity_id, as_of)
CROSS JOIN LATERAL (
  SELECT count(*) AS source_rows, {" || ".join(objects)} AS vals
  FROM raw_events r
  WHERE r.entity_type = %(entity_type)s AND r.entity_id = s.entity_id AND r.event_time <= s.as_of {source}
    AND (%(known_at)s::timestamptz IS NULL OR r.recorded_at <= %(known_at)s::timestamptz)
) a
"""  # noqa: S608 - every part is made here and every value is a parameter
    return query, parameters


def _expression(aggregate: Aggregate, prefix: str, parameters: dict[str, Any]) -> str:
    """One aggregate as SQL; its constants go into `parameters` under `prefix`."""
    field = _field(aggregate, prefix, parameters)
    window = _window(aggregate, prefix, parameters)
    conditions = window + _conditions(aggregate, field, prefix, parameters)
    where = f" FILTER (WHERE {' AND '.join(conditions)})" if conditions else ""
    match aggregate.kind:
        case "count":
            return f"count(*){where}"
        case "sum":
            return f"coalesce(sum({field}){where}, 0)"
        case "mean":
            return f"(avg({field}){where})::float8"
        case "stddev":
            return f"(stddev_samp({field}){where})::float8"
        case "min" | "max":
            return f"{aggregate.kind}({field}){where}"
        case "first" | "last":
            order = "ASC" if aggregate.kind == "first" else "DESC"
            present = " AND ".join([*conditions, f"{field} IS NOT NULL"])
            ordered = f"array_agg({field} ORDER BY r.event_time {order}, r.id {order})"
            return f"({ordered} FILTER (WHERE {present}))[1]"
        case "distinct":
            return f"count(DISTINCT {field}){where}"
        case "ratio":
            base = f" FILTER (WHERE {' AND '.join(window)})" if window else ""
            return f"(count(*){where})::float8 / nullif(count(*){base}, 0)"
        case "days_since_last":
            return f"extract(epoch FROM s.as_of - max(r.event_time){where})::float8 / 86400"
    raise ValueError(f"no aggregate is called {aggregate.kind}")


def _field(aggregate: Aggregate, prefix: str, parameters: dict[str, Any]) -> str:
    if aggregate.field in {"value", "event_type"}:
        return f"r.{aggregate.field}"
    parameters[f"{prefix}field"] = aggregate.field
    text = f"(r.payload->>%({prefix}field)s)"
    return text if aggregate.kind == "distinct" else f"{text}::numeric"


def _window(aggregate: Aggregate, prefix: str, parameters: dict[str, Any]) -> list[str]:
    if aggregate.over is None:
        return []
    parameters[f"{prefix}over"] = aggregate.over.total_seconds()
    return [f"r.event_time > s.as_of - make_interval(secs => %({prefix}over)s)"]


def _conditions(aggregate: Aggregate, field: str, prefix: str, parameters: dict[str, Any]) -> list[str]:
    conditions = []
    if aggregate.types:
        parameters[f"{prefix}types"] = list(aggregate.types)
        conditions.append(f"r.event_type = ANY(%({prefix}types)s)")
    for bound, sign in (("above", ">"), ("below", "<")):
        if (value := getattr(aggregate, bound)) is not None:
            parameters[prefix + bound] = value
            conditions.append(f"{field} {sign} %({prefix}{bound})s")
    return conditions
