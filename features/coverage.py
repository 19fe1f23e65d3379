"""Which entities have raw data but no features, or features that miss events: found by anti-join, not by counting."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from django.db import connection

from features.catalogue import set_id
from features.definitions import FeatureSet, feature_sets


@dataclass(frozen=True, slots=True)
class Coverage:
    """Entities of one feature set. `stale` have values that miss events, `failed` events that cannot be counted."""

    feature_set: str
    version: str
    entity_type: str
    total: int
    with_features: int
    stale: int
    failed: int

    @property
    def without_features(self) -> int:
        return self.total - self.with_features

    @property
    def percent(self) -> float:
        """0–100, two decimals; 100 when there is nothing to cover."""
        return round(100 * self.with_features / self.total, 2) if self.total else 100.0

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"without_features": self.without_features, "coverage_percent": self.percent}


COUNT = """
SELECT (SELECT count(*) FROM features_knownentity WHERE entity_type = %(entity_type)s),
  (SELECT count(*) FROM model_features WHERE feature_set_id = %(set_id)s),  -- only known entities have values
  count(DISTINCT u.entity_id) FILTER (WHERE v.entity_id IS NOT NULL AND u.error = ''),
  count(DISTINCT u.entity_id) FILTER (WHERE u.error <> '')
FROM features_unprocessedevent u
LEFT JOIN model_features v ON v.feature_set_id = %(set_id)s AND v.entity_id = u.entity_id
WHERE u.entity_type = %(entity_type)s
"""


def coverage() -> list[Coverage]:
    """One row for each declared feature set."""
    return [coverage_of(feature_set) for feature_set in feature_sets()]


def coverage_of(feature_set: type[FeatureSet]) -> Coverage:
    with connection.cursor() as cursor:
        cursor.execute(COUNT, {"entity_type": feature_set.entity.name, "set_id": set_id(feature_set)})
        total, with_features, stale, failed = cursor.fetchone()
    return Coverage(feature_set.name, feature_set.version, feature_set.entity.name, total, with_features, stale, failed)


# Entities in the order of their id after a given one, so that a run comes to an end whatever happens beside it.
# The recursion jumps from one stale entity to the next over the backlog's index instead of reading all of it.
WAITING = """
WITH RECURSIVE stale(entity_id) AS (
  (SELECT u.entity_id FROM features_unprocessedevent u
   WHERE u.entity_type = %(entity_type)s AND u.entity_id > %(after)s AND u.event_time <= now()
     AND (u.retry_at IS NULL OR u.retry_at <= now())
   ORDER BY u.entity_id LIMIT 1)
  UNION ALL
  SELECT (SELECT u.entity_id FROM features_unprocessedevent u
          WHERE u.entity_type = %(entity_type)s AND u.entity_id > s.entity_id AND u.event_time <= now()
            AND (u.retry_at IS NULL OR u.retry_at <= now())
          ORDER BY u.entity_id LIMIT 1)
  FROM stale s WHERE s.entity_id IS NOT NULL
)
SELECT entity_id FROM (
  (SELECT entity_id FROM stale WHERE entity_id IS NOT NULL LIMIT %(limit)s)
  UNION
  SELECT missing.entity_id FROM unnest(%(set_ids)s::smallint[]) AS s(id) CROSS JOIN LATERAL (
    SELECT e.entity_id FROM features_knownentity e
    WHERE e.entity_type = %(entity_type)s AND e.entity_id > %(after)s
      AND NOT EXISTS (SELECT 1 FROM model_features v WHERE v.feature_set_id = s.id AND v.entity_id = e.entity_id)
      AND NOT EXISTS (SELECT 1 FROM features_unprocessedevent f
                      WHERE f.entity_type = e.entity_type AND f.entity_id = e.entity_id AND f.retry_at > now())
    ORDER BY e.entity_id LIMIT %(limit)s) missing
) waiting
ORDER BY entity_id LIMIT %(limit)s
"""
EVERY = """
SELECT entity_id FROM features_knownentity WHERE entity_type = %(entity_type)s AND entity_id > %(after)s
ORDER BY entity_id LIMIT %(limit)s
"""
BEHIND = """
SELECT e.entity_id FROM features_knownentity e
WHERE e.entity_type = %(entity_type)s AND e.entity_id > %(after)s
  AND EXISTS (SELECT 1 FROM unnest(%(set_ids)s::smallint[]) AS s(id)
              WHERE NOT EXISTS (SELECT 1 FROM model_features_history h
                WHERE h.feature_set_id = s.id AND h.entity_id = e.entity_id AND h.as_of = %(as_of)s))
ORDER BY e.entity_id LIMIT %(limit)s
"""


def waiting_entities(entity_type: str, *, after: str = "", limit: int, as_of: Any = None) -> list[str]:
    """Entities without features or with uncounted events; with `as_of`, those without values of exactly that time.

    An entity whose error is not yet due for another try is left out, unless it has new events.
    """
    parameters = {
        "entity_type": entity_type,
        "after": after,
        "limit": limit,
        "set_ids": [set_id(feature_set) for feature_set in feature_sets(entity=entity_type)],
        "as_of": as_of,
    }
    with connection.cursor() as cursor:
        cursor.execute(WAITING if as_of is None else BEHIND, parameters)
        return [row[0] for row in cursor.fetchall()]


def known_entities(entity_type: str, *, after: str = "", limit: int) -> list[str]:
    """Every entity with raw data, in steps."""
    with connection.cursor() as cursor:
        cursor.execute(EVERY, {"entity_type": entity_type, "after": after, "limit": limit})
        return [row[0] for row in cursor.fetchall()]


def count_waiting(entity_type: str) -> int:
    """How many entities `waiting_entities` would give in all."""
    return len(waiting_entities(entity_type, limit=2_147_483_647))


def totals() -> dict[str, int]:
    """Raw events, and those no value has counted yet."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT (SELECT count(*) FROM raw_events), (SELECT count(*) FROM features_unprocessedevent)")
        events, unprocessed = cursor.fetchone()
    return {"total_events": events, "unprocessed_events": unprocessed}
