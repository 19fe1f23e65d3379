"""Serve stored values. One prepared-size query by cursor; the JSON PostgreSQL stored goes out untouched."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection

from base import statements
from features.catalogue import serving_set, set_id
from features.definitions import FeatureSet, feature_sets
from features.engine.compute import computation


@dataclass(frozen=True, slots=True)
class Served:
    """Stored features of one entity. `vals` is JSON text: exact decimals stay exact."""

    entity_id: str
    as_of: datetime
    computed_at: datetime
    source_rows: int
    vals: str
    task_id: str | None = None

    def values(self) -> dict[str, Any]:
        """By feature name; decimals as Decimal, counts as int, null as None."""
        return json.loads(self.vals, parse_float=Decimal)


READ = """
SELECT entity_id, as_of, computed_at, source_rows, vals::text, task_id::text FROM model_features
WHERE feature_set_id = %s AND entity_id = ANY(%s)
"""


def stored(feature_set: type[FeatureSet], entity_ids: Sequence[str]) -> dict[str, Served]:
    """The latest stored values of these entities; those without any are left out."""
    with connection.cursor() as cursor:
        cursor.execute(READ, [set_id(feature_set), list(entity_ids)])
        return {row[0]: Served(*row) for row in cursor.fetchall()}


READ_SETS = """
SELECT feature_set_id, entity_id, as_of, computed_at, source_rows, vals::text, task_id::text FROM model_features
WHERE feature_set_id = ANY($1::smallint[]) AND entity_id = $2::text
"""


def stored_sets(feature_sets: Sequence[type[FeatureSet]], entity_id: str) -> dict[type[FeatureSet], Served]:
    """The latest stored values of one entity in several sets, in one query."""
    by_id = {set_id(feature_set): feature_set for feature_set in feature_sets}
    with connection.cursor() as cursor:
        statements.execute(cursor, READ_SETS, [list(by_id), entity_id])
        return {by_id[row[0]]: Served(*row[1:]) for row in cursor.fetchall()}


def point_in_time(
    feature_set: type[FeatureSet], spine: Sequence[tuple[str, datetime]], *, known_at: datetime | None = None
) -> list[Served]:
    """Values of each (entity, as-of) row computed from raw events, in the order of the spine; nothing is stored.

    known_at: leave out events recorded later than this.
    """
    entity_ids, times = [entity_id for entity_id, _ in spine], [as_of for _, as_of in spine]
    query, parameters = computation([feature_set], entity_ids, times, known_at=known_at)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT q.entity_id, q.as_of, clock_timestamp(), q.source_rows, q.vals::text FROM ({query}) q",  # noqa: S608 - compiled from declarations
            parameters,
        )
        found = {(row[0], row[1]): Served(*row) for row in cursor.fetchall()}
    return [found[row] for row in spine]


class UnknownFeature(LookupError):
    """No declared feature has this name."""


class AmbiguousFeature(UnknownFeature):
    """Several sets have a feature of this name: the message lists the full names."""


def find_set(label: str) -> type[FeatureSet] | None:
    """Resolve `set@version`, or `set` to its newest live version."""
    name, _, version = label.partition("@")
    return serving_set(name, version or None)


def find_feature(feature_type: str) -> tuple[type[FeatureSet], str]:
    """Resolve `feature`, `set:feature` or `set@version:feature`. Raises UnknownFeature, AmbiguousFeature."""
    prefix, _, name = feature_type.rpartition(":")
    if prefix:
        feature_set = find_set(prefix)
        if feature_set is not None and name in feature_set.features:
            return feature_set, name
        raise UnknownFeature(f"No feature is called {feature_type[:120]!r}.")
    having = {feature_set.name for feature_set in feature_sets() if name in feature_set.features}
    newest = [serving_set(set_name) for set_name in having]
    found = [feature_set for feature_set in newest if feature_set and name in feature_set.features]
    if len(found) == 1:
        return found[0], name
    if not found:
        raise UnknownFeature(f"No feature is called {feature_type[:120]!r}.")
    raise AmbiguousFeature(f"Several sets have it: {', '.join(sorted(f'{s.name}:{name}' for s in found))}.")
