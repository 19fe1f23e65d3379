"""Correct the history after late events: past values are computed anew, and what was stored stays for audit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from features.catalogue import set_id
from features.definitions import FeatureSet
from features.engine.compute import computation

AT_ONCE = 2_000  # values of one set in one transaction

AFFECTED = """
SELECT late.entity_id, past.as_of
FROM unnest(%(entity_ids)s::text[], %(earliest)s::timestamptz[]) WITH ORDINALITY AS late(entity_id, earliest, turn)
CROSS JOIN LATERAL (
  SELECT DISTINCT h.as_of FROM model_features_history h
  WHERE h.feature_set_id = ANY(%(set_ids)s) AND h.entity_id = late.entity_id
    AND h.as_of >= late.earliest AND h.as_of < %(moment)s
  ORDER BY h.as_of LIMIT %(limit)s) past
ORDER BY late.turn, past.as_of LIMIT %(limit)s
"""
CORRECT = """
WITH computed AS MATERIALIZED ({query}),
stored AS MATERIALIZED (
  SELECT DISTINCT ON (h.entity_id, h.as_of) h.entity_id, h.as_of, h.vals
  FROM unnest(%(entity_ids)s::text[], %(times)s::timestamptz[]) AS s(entity_id, as_of)
  JOIN model_features_history h
    ON h.feature_set_id = %(set_id)s AND h.entity_id = s.entity_id AND h.as_of = s.as_of
  ORDER BY h.entity_id, h.as_of, h.computed_at DESC, h.id DESC
)
INSERT INTO model_features_history (feature_set_id, entity_id, as_of, computed_at, source_rows, vals, task_id)
SELECT %(set_id)s, entity_id, as_of, clock_timestamp(), c.source_rows, c.vals, %(task_id)s::uuid
FROM computed c JOIN stored USING (entity_id, as_of) WHERE c.vals IS DISTINCT FROM stored.vals
"""


def repair(
    feature_sets: Sequence[type[FeatureSet]],
    late: Mapping[str, datetime],
    moment: datetime,
    *,
    task_id: str | None = None,
) -> dict[str, datetime]:
    """Append right values where those stored differ, as of an entity's earliest late event or later.

    moment: values of this time are right already. The caller holds the entities' locks. At most AT_ONCE past times
    are looked at; returns what is left of `late`.
    """
    with connection.cursor() as cursor:
        asked: dict[str, Any] = {
            "entity_ids": list(late),
            "earliest": list(late.values()),
            "set_ids": [set_id(feature_set) for feature_set in feature_sets],
            "moment": moment,
            "limit": AT_ONCE + 1,
        }
        cursor.execute(AFFECTED, asked)
        spine = cursor.fetchall()
        for feature_set in feature_sets if spine else []:
            _correct(cursor, feature_set, spine[:AT_ONCE], task_id)
    if len(spine) <= AT_ONCE:
        return {}
    entity_id, as_of = spine[-1]
    entities = list(late)
    rest = {other: late[other] for other in entities[entities.index(entity_id) + 1 :]}
    return {entity_id: as_of} | rest


def _correct(
    cursor: Any, feature_set: type[FeatureSet], spine: Sequence[tuple[str, datetime]], task_id: str | None
) -> None:
    entity_ids, times = [entity_id for entity_id, _ in spine], [as_of for _, as_of in spine]
    query, parameters = computation([feature_set], entity_ids, times)
    parameters |= {"set_id": set_id(feature_set), "task_id": task_id}
    cursor.execute(CORRECT.format(query=query), parameters)
