"""The values of (entity, as-of) rows, whatever their features are: SQL where it can be, Python where it must be.

Serving, materializing, backfilling and training rows all come through `computation`.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection

from features.definitions import FeatureSet
from features.engine.compiler import compute_query, events_query
from features.language.functions import Batch
from features.language.pure import Happening

Query = tuple[str, dict[str, Any]]
READY = """
SELECT c.entity_id, c.as_of, c.source_rows, c.vals
FROM unnest(%(entity_ids)s::text[], %(times)s::timestamptz[], %(source_rows)s::bigint[], %(values)s::jsonb[])
  AS c(entity_id, as_of, source_rows, vals)
"""


class CannotCompute(Exception):
    """A feature's function raised, or gave something that is not a value of its type."""


def together(feature_sets: Iterable[type[FeatureSet]]) -> list[list[type[FeatureSet]]]:
    """The sets in groups that one scan of their source serves; one with Python functions stands alone."""
    groups: dict[Any, list[type[FeatureSet]]] = defaultdict(list)
    for feature_set in feature_sets:
        alone = feature_set.label() if feature_set.functions() else None
        groups[feature_set.entity.name, feature_set.source, feature_set.rows, alone].append(feature_set)
    return list(groups.values())


@lru_cache(maxsize=256)
def compiled(feature_sets: tuple[type[FeatureSet], ...]) -> Query:
    """`compute_query`, written once in a process. Its parameters are shared: copy, do not change them."""
    return compute_query(*feature_sets)


def computation(
    feature_sets: Sequence[type[FeatureSet]],
    entity_ids: Sequence[str],
    times: Sequence[datetime],
    *,
    known_at: datetime | None = None,
) -> Query:
    """A query with its parameters for a group made by `together`: entity_id, as_of, source_rows, vals, vals_1…

    Python functions run here, before the query does. Raises CannotCompute.
    """
    spine = {"entity_ids": list(entity_ids), "times": list(times), "known_at": known_at}
    query, parameters = compiled(tuple(feature_sets))
    if not feature_sets[0].functions():
        return query, parameters | spine
    [feature_set] = feature_sets
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT q.entity_id, q.as_of, q.source_rows, q.vals::text FROM ({query}) q", parameters | spine)
        found = {(row[0], row[1]): (row[2], json.loads(row[3], parse_float=Decimal)) for row in cursor}
    aggregated = [found[row] for row in zip(entity_ids, times, strict=True)]
    computed = [(rows, _typed(feature_set, values)) for rows, values in aggregated]
    _add_functions(feature_set, [values for _, values in computed], spine)
    values = [_as_json(feature_set.complete(values)) for _, values in computed]
    return READY, spine | {"source_rows": [rows for rows, _ in computed], "values": values}


def _typed(feature_set: type[FeatureSet], values: dict[str, Any]) -> dict[str, Any]:
    """JSON numbers as the type their feature declares."""
    types: dict[str, Any] = {"float": float, "decimal": Decimal, "datetime": datetime.fromisoformat}
    kept: dict[str, Any] = {}
    for name, value in values.items():
        as_type = types.get(feature_set.features[name].data_type)
        kept[name] = as_type(value) if as_type and value is not None else value
    return kept


def _as_json(values: dict[str, Any]) -> str:
    """An object whose decimals keep every digit."""
    texts = {
        name: format(value, "f") if isinstance(value, Decimal) else json.dumps(value, cls=DjangoJSONEncoder)
        for name, value in values.items()
    }
    return f"{{{', '.join(f'{json.dumps(name)}: {text}' for name, text in texts.items())}}}"


def _add_functions(feature_set: type[FeatureSet], rows: Sequence[dict[str, Any]], spine: dict[str, Any]) -> None:
    query, parameters = events_query(feature_set)
    events: list[list[Happening]] = [[] for _ in rows]
    with connection.cursor() as cursor:
        cursor.execute(query, parameters | spine)
        for place, number, event_type, event_time, value, payload in cursor:
            data = json.loads(payload, parse_float=Decimal)
            events[place - 1].append(Happening(event_type, event_time, value, data, number))
    batch = Batch(spine["entity_ids"], spine["times"], events)
    for name, function in feature_set.functions().items():
        try:
            values = function.compute(batch)
        except Exception as error:
            raise CannotCompute(f"{feature_set.label()}:{name}: {type(error).__name__}: {error}") from error
        for row, value in zip(rows, values, strict=True):
            row[name] = value
