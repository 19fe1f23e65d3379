"""Which entities have raw data but no features, or features that miss events, and how many: from counts and marks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.db import connection

from features.catalogue import set_id
from features.definitions import FeatureSet, feature_sets
from features.engine import prepared
from features.values import counts


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


DUE = """
m.events > 0 AND m.latest <= now() AND NOT EXISTS (
  SELECT 1 FROM features_failedentity f WHERE f.entity_type = m.entity_type AND f.entity_id = m.entity_id)
"""
COUNT_DUE = f"""
SELECT entity_type, count(*) FROM (SELECT DISTINCT entity_type, entity_id FROM features_staleentity m WHERE {DUE}) due
GROUP BY entity_type
"""  # noqa: S608 - constants of this module
MARKED_NOW = f"""
SELECT DISTINCT m.entity_id FROM features_staleentity m WHERE m.entity_type = %(entity_type)s AND {DUE}
"""  # noqa: S608 - constants of this module
# LIMIT keeps the planner at one look per mark instead of reading all values.
COUNT_STALE = f"""
SELECT count(*) FROM ({MARKED_NOW} ORDER BY 1) marked CROSS JOIN LATERAL (
  SELECT 1 FROM model_features v WHERE v.feature_set_id = %(set_id)s AND v.entity_id = marked.entity_id LIMIT 1) has
"""  # noqa: S608 - constants of this module
FAILED = "SELECT entity_type, count(*) FROM features_failedentity GROUP BY entity_type"


def coverage() -> list[Coverage]:
    """One row for each declared feature set."""
    return coverage_of(*feature_sets())


def coverage_of(*sets: type[FeatureSet]) -> list[Coverage]:
    """One row for each of these sets, in their order."""
    counted, found = counts.read(), []
    with connection.cursor() as cursor:
        cursor.execute(FAILED)
        failed = dict(cursor.fetchall())
        cursor.execute(COUNT_DUE)
        due = dict(cursor.fetchall())
        for each in sets:
            entity_type = each.entity.name
            total, values = counted.get(f"entities:{entity_type}", 0), counted.get(f"values:{set_id(each)}", 0)
            # Where every entity has values each that is due is stale, and where none has none is: no need to look.
            stale = due.get(entity_type, 0) if values else 0
            if stale and values < total:
                cursor.execute(COUNT_STALE, {"entity_type": entity_type, "set_id": set_id(each)})
                [stale] = cursor.fetchone()
            failures = failed.get(entity_type, 0)
            found.append(Coverage(each.name, each.version, entity_type, total, values, stale, failures))
    return found


# Entities in the order of their id after a given one, so that a run comes to an end whatever happens beside it.
# An entity that failed is not asked for again before its time, unless more events wait than at the last try.
LATER = """
WITH later AS MATERIALIZED (
  SELECT f.entity_id FROM features_failedentity f
  WHERE f.entity_type = %(entity_type)s AND f.retry_at > now() AND f.events >= (
    SELECT coalesce(sum(m.events), 0) FROM features_staleentity m
    WHERE m.entity_type = f.entity_type AND m.entity_id = f.entity_id AND m.latest <= now())
)
"""
UPTO = "(%(until)s::text IS NULL OR {0}.entity_id <= %(until)s)"
STEP = f"""
SELECT DISTINCT m.entity_id FROM features_staleentity m
WHERE m.entity_type = %(entity_type)s AND m.entity_id > %(after)s AND {UPTO.format("m")} AND m.latest <= now()
  AND NOT EXISTS (SELECT 1 FROM later WHERE later.entity_id = m.entity_id)
ORDER BY m.entity_id LIMIT %(limit)s
"""  # noqa: S608 - constants of this module
MARKED = f"{LATER} {STEP}"
WAITING = f"""
{LATER}
SELECT entity_id FROM (
  (SELECT entity_id FROM ({STEP}) marked WHERE %(marks)s)
  UNION
  SELECT missing.entity_id FROM unnest(%(set_ids)s::smallint[]) AS s(id) CROSS JOIN LATERAL (
    SELECT e.entity_id FROM features_knownentity e
    WHERE e.entity_type = %(entity_type)s AND e.entity_id > %(after)s AND {UPTO.format("e")}
      AND NOT EXISTS (SELECT 1 FROM model_features v WHERE v.feature_set_id = s.id AND v.entity_id = e.entity_id)
      AND NOT EXISTS (SELECT 1 FROM later WHERE later.entity_id = e.entity_id)
    ORDER BY e.entity_id LIMIT %(limit)s) missing
) waiting
ORDER BY entity_id LIMIT %(limit)s
"""  # noqa: S608 - constants of this module
EVERY = f"""
SELECT e.entity_id FROM features_knownentity e
WHERE e.entity_type = %(entity_type)s AND e.entity_id > %(after)s AND {UPTO.format("e")}
ORDER BY e.entity_id LIMIT %(limit)s
"""  # noqa: S608 - constants of this module
WITHOUT = f"""
SELECT e.entity_id FROM features_knownentity e
WHERE e.entity_type = %(entity_type)s AND e.entity_id > %(after)s AND {UPTO.format("e")}
  AND EXISTS (SELECT 1 FROM unnest(%(set_ids)s::smallint[]) AS s(id)
              WHERE NOT EXISTS (SELECT 1 FROM model_features_history h
                WHERE h.feature_set_id = s.id AND h.entity_id = e.entity_id AND h.as_of = %(as_of)s))
ORDER BY e.entity_id LIMIT %(limit)s
"""  # noqa: S608 - constants of this module


def marked_entities(entity_type: str, *, after: str = "", limit: int) -> list[str]:
    """Entities with marks that are due: most of `waiting_entities`, at once however many entities there are."""
    with connection.cursor() as cursor:
        prepared.execute(
            cursor,
            ("marked", limit),
            lambda: (MARKED, {"until": None, "limit": limit}),
            {"entity_type": ("text", entity_type), "after": ("text", after)},
        )
        return [row[0] for row in cursor.fetchall()]


def waiting_entities(
    entity_type: str,
    *,
    after: str = "",
    until: str | None = None,
    limit: int,
    as_of: Any = None,
    sets: Sequence[type[FeatureSet]] | None = None,
) -> list[str]:
    """Entities without features or with marks that are due; with `as_of`, those without values of exactly that time.

    after, until: of the ids above the one and up to the other. sets: those without values of these sets, marks or not.
    An entity whose error is not yet due for another try is left out, unless it has new events.
    """
    set_ids = [set_id(each) for each in (feature_sets(entity=entity_type) if sets is None else sets)]
    if as_of is None:
        counted = counts.read()
        known = counted.get(f"entities:{entity_type}", 0)
        set_ids = [number for number in set_ids if counted.get(f"values:{number}", 0) < known]  # others lack nobody
    parameters = {"entity_type": entity_type, "after": after, "until": until, "limit": limit, "set_ids": set_ids}
    with connection.cursor() as cursor:
        cursor.execute(WAITING if as_of is None else WITHOUT, parameters | {"as_of": as_of, "marks": sets is None})
        return [row[0] for row in cursor.fetchall()]


def unrepaired_entities(entity_type: str) -> list[str]:
    """Entities of which only history is left to correct."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT entity_id FROM features_staleentity WHERE entity_type = %s AND events = 0 ORDER BY 1",
            [entity_type],
        )
        return [row[0] for row in cursor.fetchall()]


def known_entities(entity_type: str, *, after: str = "", until: str | None = None, limit: int) -> list[str]:
    """Every entity with raw data, in steps."""
    with connection.cursor() as cursor:
        cursor.execute(EVERY, {"entity_type": entity_type, "after": after, "until": until, "limit": limit})
        return [row[0] for row in cursor.fetchall()]


def count_waiting(entity_type: str) -> int:
    """How many entities `waiting_entities` would give in all."""
    return len(waiting_entities(entity_type, limit=2_147_483_647))


def totals() -> dict[str, int]:
    """Raw events, and those no value has counted yet."""
    events = sum(n for what, n in counts.read().items() if what.startswith("events:"))
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(sum(events), 0)::bigint FROM features_staleentity")
        [unprocessed] = cursor.fetchone()
    return {"total_events": events, "unprocessed_events": unprocessed}
