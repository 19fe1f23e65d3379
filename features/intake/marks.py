"""What follows from events that were just stored, in SQL: marks of their entities, known entities and counts.

Parts of a WITH that has `added` with id, entity_type, entity_id, event_time.
"""

COUNTED = """
counted AS (
  INSERT INTO features_countdelta (what, n)
  SELECT 'events:' || entity_type, sum(events) FROM changed GROUP BY entity_type
  UNION ALL SELECT 'entities:' || entity_type, count(*) FROM entities GROUP BY entity_type
)
"""
# Marks are what concurrent writers share, so none is waited for: an entity's mark that nobody holds is
# added to, otherwise the entity gets another one. Events ahead of the clock have marks of their own, due when they are.
# What has a mark is a known entity. Most others are known too, and asking costs less than a conflict.
# Never kept planned: right for an empty table of marks is a plan that is far too slow for a full one.
MARKS = f"""
changed AS MATERIALIZED (
  SELECT fresh.*, held.id AS mark FROM (
    SELECT entity_type, entity_id, event_time <= now() AS past, count(*) AS events, min(id) AS from_event_id,
      min(event_time) AS earliest, max(event_time) AS latest
    FROM added GROUP BY 1, 2, 3) fresh
  LEFT JOIN LATERAL (
    SELECT mark.id FROM features_staleentity mark
    WHERE mark.entity_type = fresh.entity_type AND mark.entity_id = fresh.entity_id AND mark.latest <= now()
      AND fresh.past
    LIMIT 1 FOR UPDATE SKIP LOCKED) held ON true
), renewed AS (
  UPDATE features_staleentity mark SET events = mark.events + changed.events,
    from_event_id = least(mark.from_event_id, changed.from_event_id),
    earliest = least(mark.earliest, changed.earliest), latest = greatest(mark.latest, changed.latest)
  FROM changed WHERE mark.id = changed.mark
), marked AS (
  INSERT INTO features_staleentity (entity_type, entity_id, events, from_event_id, earliest, latest)
  SELECT entity_type, entity_id, events, from_event_id, earliest, latest FROM changed WHERE mark IS NULL
), entities AS (
  INSERT INTO features_knownentity (entity_type, entity_id)
  SELECT DISTINCT entity_type, entity_id FROM changed
  WHERE mark IS NULL AND NOT EXISTS (
    SELECT FROM features_knownentity known
    WHERE known.entity_type = changed.entity_type AND known.entity_id = changed.entity_id)
  ORDER BY 1, 2
  ON CONFLICT DO NOTHING
  RETURNING entity_type
), {COUNTED}
"""  # noqa: S608 - constants of our own
# Of entities that hear of little: marks of their own. No plan depends on how full a table is, so it is kept.
NEW_MARKS = f"""
changed AS MATERIALIZED (
  SELECT entity_type, entity_id, count(*) AS events, min(id) AS from_event_id,
    min(event_time) AS earliest, max(event_time) AS latest
  FROM added GROUP BY entity_type, entity_id, event_time <= now()
), marked AS (
  INSERT INTO features_staleentity (entity_type, entity_id, events, from_event_id, earliest, latest)
  SELECT entity_type, entity_id, events, from_event_id, earliest, latest FROM changed
), entities AS (
  INSERT INTO features_knownentity (entity_type, entity_id)
  SELECT DISTINCT entity_type, entity_id FROM changed ORDER BY 1, 2
  ON CONFLICT DO NOTHING
  RETURNING entity_type
), {COUNTED}
"""  # noqa: S608 - constants of our own
CHANGED_TYPES = "ARRAY(SELECT entity_type FROM changed GROUP BY 1 ORDER BY 1)"
