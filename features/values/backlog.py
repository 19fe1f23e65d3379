"""What still has to be counted: marks of stale entities, and entities that failed.

Taking a mark is part of the transaction that stores the values (docs/adr/0003-exactly-once-features.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from base import statements
from features.engine.prepared import text_array

RETRY_FIRST_S, RETRY_MAX_S = 60, 86_400


@dataclass(frozen=True, slots=True)
class Taken:
    """How many events the marks stood for, and each entity's earliest event time among them, as a JSON object."""

    events: int = 0
    earliest: str = "{}"


# A mark that a writer is adding to is left for next time: its event may not be visible yet. So is one that a writer
# added to since this statement began: its lock leads to the newest version, which the statement does not see.
TAKE = """
WITH due AS MATERIALIZED (
  SELECT ctid AS place FROM features_staleentity
  WHERE entity_type = $1::text AND entity_id = ANY($2::text[]) AND latest <= $3::timestamptz
  FOR UPDATE SKIP LOCKED
), taken AS (
  DELETE FROM features_staleentity mark USING due WHERE mark.ctid = due.place
  RETURNING mark.entity_id, mark.events, mark.earliest
)
SELECT coalesce(sum(events), 0)::bigint, coalesce(jsonb_object_agg(entity_id, earliest), '{}')::text
FROM (SELECT entity_id, sum(events) AS events, min(earliest) AS earliest FROM taken GROUP BY entity_id) entity
"""


def take(entity_type: str, entity_ids: Sequence[str], moment: datetime) -> Taken:
    """Remove the marks due at this moment. Statements that follow see at least the events they stand for."""
    with connection.cursor() as cursor:
        statements.execute(cursor, TAKE, [entity_type, text_array(entity_ids), moment])
        return Taken(*cursor.fetchone())


COUNTED = """
SELECT NOT EXISTS (SELECT FROM features_staleentity WHERE entity_type = $1::text AND entity_id = $2::text)
  AND NOT EXISTS (SELECT FROM features_failedentity WHERE entity_type = $1::text AND entity_id = $2::text)
  AND cardinality($3::smallint[]) = (SELECT count(*) FROM model_features
    WHERE feature_set_id = ANY($3::smallint[]) AND entity_id = $2::text AND as_of >= $4::timestamptz)
"""


def is_counted(entity_type: str, entity_id: str, set_ids: Sequence[int], since: datetime) -> bool:
    """Whether no mark waits and every set has values as of this time or later: they saw what had committed by then."""
    with connection.cursor() as cursor:
        statements.execute(cursor, COUNTED, [entity_type, entity_id, list(set_ids), since])
        return cursor.fetchone()[0]


LEAVE = """
INSERT INTO features_staleentity (entity_type, entity_id, events, earliest, latest)
SELECT %s, entity_id, 0, earliest, earliest FROM unnest(%s::text[], %s::timestamptz[]) AS rest(entity_id, earliest)
"""


def leave(entity_type: str, rest: Mapping[str, datetime]) -> None:
    """Mark entities whose history from a time on is still to be corrected."""
    with connection.cursor() as cursor:
        cursor.execute(LEAVE, [entity_type, list(rest), list(rest.values())])


FAIL = """
INSERT INTO features_failedentity (entity_type, entity_id, error, tries, events, retry_at)
VALUES (%(entity_type)s, %(entity_id)s, %(error)s, 1, %(events)s, now() + make_interval(secs => %(first)s))
ON CONFLICT (entity_type, entity_id) DO UPDATE SET error = excluded.error, events = excluded.events,
  tries = least(features_failedentity.tries + 1, 32767),
  retry_at = now() + make_interval(secs => least(%(first)s * 2 ^ least(features_failedentity.tries, 30), %(most)s))
"""


def fail(entity_type: str, entity_id: str, error: str, *, events: int) -> None:
    """Note why an entity could not be computed while so many events waited, and when it is tried again."""
    noted: dict[str, Any] = {
        "entity_type": entity_type,
        "entity_id": entity_id,
        "error": error[:1000],
        "events": events,
    }
    with connection.cursor() as cursor:
        cursor.execute(FAIL, noted | {"first": RETRY_FIRST_S, "most": RETRY_MAX_S})


SUCCEED = "DELETE FROM features_failedentity WHERE entity_type = $1::text AND entity_id = ANY($2::text[])"


def succeed(entity_type: str, entity_ids: Sequence[str]) -> None:
    with connection.cursor() as cursor:
        statements.execute(cursor, SUCCEED, [entity_type, text_array(entity_ids)])
