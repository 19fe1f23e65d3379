"""From declarations to one SQL query. The only place where a feature becomes SQL; no text of users enters it.

The query has three floors: a spine of (entity, as-of) rows with the beginning of every window worked out once; a
lateral scan of one range of the source for each row, which fetches each field once and aggregates; and on top the
values as jsonb, with the derived ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from features.definitions import FeatureSet, event_types
from features.language.aggregates import Aggregate
from features.language.derived import Constant, Derived, Expression, type_of
from features.language.pure import COLUMNS, seconds_in
from features.language.sources import Rows

MOST_KINDS = 30  # event types that the bits of an integer stand for, besides one bit for all others
ISO = 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'
KNOWN = "(%(known_at)s::timestamptz IS NULL OR {0} <= %(known_at)s::timestamptz)"
CASTS = {"integer": "numeric", "decimal": "numeric", "float": "numeric", "string": "text", "datetime": "timestamptz",
         "boolean": "boolean"}  # fmt: skip


def compute_query(*feature_sets: type[FeatureSet]) -> tuple[str, dict[str, Any]]:
    """A query over a spine: parameters `entity_ids` text[] and `times` timestamptz[] give its (entity, as-of) rows.

    Columns: entity_id, as_of, source_rows, vals (jsonb); with several sets, which must share their source, vals of
    the further ones as vals_1, vals_2… One row for each row of the spine, events or not. With `known_at` set, what
    was recorded later is not seen. What is a Python function is left out: `features.engine.compute` adds it.
    """
    if len({(s.entity.name, s.source, s.rows) for s in feature_sets}) != 1:
        raise ValueError("sets of one query read one source")
    return _Query(feature_sets).build()


def events_query(feature_set: type[FeatureSet]) -> tuple[str, dict[str, Any]]:
    """What each row of the spine sees, oldest first, for features that are functions; parameters as `compute_query`.

    Columns: place in the spine from 1, id, event_type, event_time, value, payload (JSON text).
    """
    query = _Query([feature_set])
    names = sorted(feature_set.rows.fields) if feature_set.rows else []
    if feature_set.rows is None:
        query.fields["", "whole"] = "payload"
    for name in names:
        query.fields[name, "text"] = f"x{len(query.fields)}"
    source, match = query._source()
    pairs = ", ".join(f"{query.parameter(name)}, r.{query.fields[name, 'text']}" for name in names)
    payload = "r.payload" if feature_set.rows is None else f"jsonb_build_object({pairs})"
    return (
        f"""
SELECT s.place, r.id, r.event_type, r.event_time, r.value, {payload}::text
FROM (SELECT u.entity_id, u.as_of, u.place{match}
      FROM unnest(%(entity_ids)s::text[], %(times)s::timestamptz[]) WITH ORDINALITY AS u(entity_id, as_of, place)
      OFFSET 0) s
CROSS JOIN LATERAL ({source}) r ORDER BY s.place, r.event_time, r.id
""",
        query.parameters,
    )


class _Query:
    """One query in the making: parameters, windows, fields and aggregates, each named once."""

    def __init__(self, feature_sets: Sequence[type[FeatureSet]]) -> None:
        self.feature_sets = feature_sets
        self.parameters: dict[str, Any] = {}
        self.windows: dict[timedelta, str] = {}
        self.fields: dict[tuple[str, str], str] = {}
        self.columns: dict[int, str] = {}
        self.selected: list[str] = []  # aggregates; two features that ask the same share a column

    def parameter(self, value: Any) -> str:
        name = f"p{len(self.parameters)}"
        self.parameters[name] = value
        return f"%({name})s"

    def build(self) -> tuple[str, dict[str, Any]]:
        """First the values, which say which fields, windows and aggregates they need; then what provides them."""
        values = [self._values(feature_set) for feature_set in self.feature_sets]
        source, match = self._source()
        windows = "".join(
            f", u.as_of - make_interval(secs => {self.parameter(length.total_seconds())}) AS {name}"
            for length, name in self.windows.items()
        )
        named = ", ".join(f"{vals} AS vals{f'_{n}' if n else ''}" for n, vals in enumerate(values))
        aggregates = "".join(f", {expression} AS f{number}" for number, expression in enumerate(self.selected))
        query = f"""
SELECT s.entity_id, s.as_of, a.source_rows, {named}
FROM (SELECT u.entity_id, u.as_of{windows}{match}
      FROM unnest(%(entity_ids)s::text[], %(times)s::timestamptz[]) AS u(entity_id, as_of) OFFSET 0) s
CROSS JOIN LATERAL (SELECT count(*) AS source_rows{aggregates} FROM ({source}) r) a
"""
        return query, self.parameters

    def _values(self, feature_set: type[FeatureSet]) -> str:
        """The set's values as jsonb, over the columns of the aggregates."""
        pairs = []
        for name, feature in feature_set.features.items():
            if isinstance(feature, Aggregate):
                self.columns[id(feature)] = self._value(feature)
                pairs.append(f"{self.parameter(name)}: {_as_json(self.columns[id(feature)], feature.data_type)}")
            elif isinstance(feature, Derived) and not feature_set.functions():
                pairs.append(f"{self.parameter(name)}: {self._derived(feature.expression, feature.data_type)}")
        return f"JSON_OBJECT({', '.join(pairs)} RETURNING jsonb)"

    def _column(self, expression: str) -> str:
        if expression not in self.selected:
            self.selected.append(expression)
        return f"a.f{self.selected.index(expression)}"

    def _source(self) -> tuple[str, str]:
        """The rows one row of the spine sees, and what the spine needs to find them."""
        rows = self.feature_sets[0].rows
        if rows is not None:
            return self._rows(rows)
        fields = "".join(f", {self._payload(field, cast)} AS {name}" for (field, cast), name in self.fields.items())
        return self._events(fields), ""

    def _events(self, fields: str = "") -> str:
        first, wanted = self.feature_sets[0], ""
        entity = self.parameter(first.entity.name)
        if first.source:
            wanted = f" AND e.event_type = ANY({self.parameter(list(first.source))})"
        once = " OFFSET 0" if fields else ""  # keeps the fields from being read again by each aggregate
        return (
            f"SELECT e.id, e.event_time, e.event_type, e.value{fields} FROM raw_events e "
            f"WHERE e.entity_type = {entity} AND e.entity_id = s.entity_id AND e.event_time <= s.as_of{wanted} "
            f"AND {KNOWN.format('e.recorded_at')}{once}"
        )

    def _rows(self, rows: Rows) -> tuple[str, str]:
        sql, parameters, entity_type = rows.query()
        sql = sql.replace("%%", "%%%%") % tuple(self.parameter(value) for value in parameters)
        fields = "".join(f", q.s_field_{field}::{cast} AS {name}" for (field, cast), name in self.fields.items())
        value = "NULL" if rows.value is None else "q.s_value"
        source = (
            f"SELECT q.s_id AS id, q.s_event_time AS event_time, q.s_event_type AS event_type, "
            f"{value}::numeric AS value{fields} FROM ({sql}) q "
            f"WHERE q.s_entity_id = s.match AND q.s_event_time <= s.as_of AND {KNOWN.format('q.s_recorded_at')}"
        )
        match = f"CASE WHEN pg_input_is_valid(u.entity_id, '{entity_type}') THEN u.entity_id::{entity_type} END"
        return source, f", {match} AS match"

    def _payload(self, field: str, cast: str) -> str:
        """A key of the payload, cast only in events whose features ask for it: others may hold anything there."""
        if cast == "whole":
            return "e.payload"
        text = f"(e.payload->>{self.parameter(field)})"
        if cast == "text":
            return text
        types = [set(a.types) for s in self.feature_sets for a in s.aggregates().values()
                 if a.field == field and _cast_of(a) == cast]  # fmt: skip
        if not all(types):
            return f"{text}::{cast}"
        return f"CASE WHEN e.event_type = ANY({self.parameter(sorted(set().union(*types)))}) THEN {text}::{cast} END"

    def _field(self, aggregate: Aggregate) -> str:
        if aggregate.field in COLUMNS:
            return f"r.{aggregate.field}"
        key = (aggregate.field, _cast_of(aggregate))
        return f"r.{self.fields.setdefault(key, f'x{len(self.fields)}')}"

    def _window(self, aggregate: Aggregate) -> list[str]:
        if aggregate.over is None:
            return []
        return [f"r.event_time > s.{self.windows.setdefault(aggregate.over, f'w{len(self.windows)}')}"]

    def _conditions(self, aggregate: Aggregate) -> list[str]:
        conditions = self._window(aggregate)
        if aggregate.types:
            conditions.append(f"r.event_type = ANY({self.parameter(list(aggregate.types))})")
        for bound, sign in ((aggregate.above, ">"), (aggregate.below, "<")):
            if bound is not None:
                conditions.append(f"{self._field(aggregate)} {sign} {self.parameter(bound)}")
        return conditions

    def _aggregate(self, aggregate: Aggregate) -> str:
        """One aggregate as SQL."""
        conditions = self._conditions(aggregate)
        where = _where(conditions)
        match aggregate.kind:
            case "count":
                return f"count(*){where}"
            case "ratio":
                return f"(count(*){where})::float8 / nullif(count(*){_where(self._window(aggregate))}, 0)"
            case "days_since_last" | "since_last":
                length = f"extract(epoch FROM s.as_of - max(r.event_time){where})::float8"
                return f"{length} / {seconds_in(aggregate)}"
        return self._of_field(aggregate, self._field(aggregate), conditions, where)

    def _of_field(self, aggregate: Aggregate, field: str, conditions: list[str], where: str) -> str:
        match aggregate.kind:
            case "sum":
                return f"coalesce(sum({field}){where}, 0)"
            case "mean":
                return f"(avg({field}){where})::float8"
            case "stddev":
                return f"(stddev_samp({field}){where})::float8"
            case "min" | "max" if aggregate.data_type == "string":
                return f'{aggregate.kind}({field} COLLATE "C"){where}'
            case "min" | "max" if aggregate.data_type == "boolean":
                return f"bool_{'and' if aggregate.kind == 'min' else 'or'}({field}){where}"
            case "min" | "max":
                return f"{aggregate.kind}({field}){where}"
            case "first" | "last":
                order = "ASC" if aggregate.kind == "first" else "DESC"
                present = " AND ".join([*conditions, f"{field} IS NOT NULL"])
                ordered = f"array_agg({field} ORDER BY r.event_time {order}, r.id {order})"
                return f"({ordered} FILTER (WHERE {present}))[1]"
            case "distinct":
                return f"count(DISTINCT {field}){where}"
            case "entropy":
                return f"features_entropy(array_agg({field}::text){where})"
            case "quantile":
                share = self.parameter(aggregate.q)
                return f"percentile_cont({share}::float8) WITHIN GROUP (ORDER BY {field}::float8){where}"
        raise ValueError(f"no aggregate is called {aggregate.kind}")

    def _value(self, aggregate: Aggregate) -> str:
        """The value of an aggregate, over the columns of the scan."""
        kinds = self._kinds(aggregate) if aggregate.kind == "distinct" else []
        return self._count_kinds(aggregate, kinds) if kinds else self._column(self._aggregate(aggregate))

    def _kinds(self, aggregate: Aggregate) -> list[str]:
        """The event types an aggregate over types expects; none where they are unknown or too many for a bit each."""
        [first, *_] = self.feature_sets
        if aggregate.field != "event_type" or first.rows is not None or {aggregate.above, aggregate.below} != {None}:
            return []
        declared = [name for name, event in event_types().items() if event.entity.name == first.entity.name]
        kinds = sorted(aggregate.types or first.source or declared)
        return kinds if len(kinds) <= MOST_KINDS else []

    def _count_kinds(self, aggregate: Aggregate, kinds: Sequence[str]) -> str:
        """count(DISTINCT event_type) without its sort, which costs as much as all other aggregates of a set together.

        Types that code does not declare any more share the last bit. Where it is set, they are counted one by one.
        """
        others = 1 << len(kinds)
        bits = " ".join(f"WHEN {self.parameter(kind)} THEN {1 << number}" for number, kind in enumerate(kinds))
        conditions = self._conditions(aggregate)
        found = self._column(f"coalesce(bit_or(CASE r.event_type {bits} ELSE {others} END){_where(conditions)}, 0)")
        counted = f"bit_count({found}::bit(32))"
        if aggregate.types or self.feature_sets[0].source:
            return counted
        each = f"(SELECT count(DISTINCT r.event_type){_where(conditions)} FROM ({self._events()}) r)"
        return f"CASE WHEN {found} & {others} = 0 THEN {counted} ELSE {each} END"

    def _derived(self, node: Any, data_type: str) -> str:
        """An expression over the aggregates' columns, in numeric until a float comes in."""
        if isinstance(node, Constant):
            return f"{self.parameter(node.number)}::{'float8' if data_type == 'float' else 'numeric'}"
        if isinstance(node, Derived):
            return self._derived(node.expression, data_type)
        if not isinstance(node, Expression):
            return f"{self.columns[id(node)]}::{'float8' if data_type == 'float' else 'numeric'}"
        inner = "float" if "float" in {type_of(node.left), type_of(node.right)} else "decimal"
        left, right = self._derived(node.left, inner), self._derived(node.right, inner)
        result = f"({left} / nullif({right}, 0))" if node.sign == "/" else f"({left} {node.sign} {right})"
        return f"{result}::float8" if data_type == "float" else result


def _where(conditions: Sequence[str]) -> str:
    return f" FILTER (WHERE {' AND '.join(conditions)})" if conditions else ""


def _cast_of(aggregate: Aggregate) -> str:
    return "text" if aggregate.kind in {"distinct", "entropy"} else CASTS[aggregate.data_type]


def _as_json(column: str, data_type: str) -> str:
    """Times are written in UTC, whatever the session's zone."""
    return f"to_char({column} AT TIME ZONE 'UTC', '{ISO}')" if data_type == "datetime" else column
