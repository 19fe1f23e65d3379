"""What follows from events that were just stored, in SQL: marks of their entities, known entities and counts."""

# Marks are what concurrent writers share, so none is waited for: an entity's mark that nobody holds is added to,
# otherwise the entity gets another one. Events ahead of the clock have marks of their own, due when they are.
# What has a mark is a known entity. Parts of a WITH that has `added` with id, entity_type, entity_id, event_time.
MARKS = """
changed AS MATERIALIZED (
  SELECT entity_type, entity_id, event_time <= now() AS past, count(*) AS events, min(id) AS from_event_id,
    min(event_time) AS earliest, max(event_time) AS latest
  FROM added GROUP BY 1, 2, 3
), held AS MATERIALIZED (
  SELECT free.id, changed.* FROM changed CROSS JOIN LATERAL (
    SELECT mark.id FROM features_staleentity mark
    WHERE mark.entity_type = changed.entity_type AND mark.entity_id = changed.entity_id AND mark.latest <= now()
    LIMIT 1 FOR UPDATE SKIP LOCKED) free
  WHERE changed.past
), renewed AS (
  UPDATE features_staleentity mark SET events = mark.events + held.events,
    from_event_id = least(mark.from_event_id, held.from_event_id),
    earliest = least(mark.earliest, held.earliest), latest = greatest(mark.latest, held.latest)
  FROM held WHERE mark.id = held.id
  RETURNING mark.id, mark.entity_type, mark.entity_id
), unmarked AS MATERIALIZED (
  SELECT changed.* FROM changed LEFT JOIN renewed USING (entity_type, entity_id)
  WHERE NOT past OR renewed.id IS NULL
), marked AS (
  INSERT INTO features_staleentity (entity_type, entity_id, events, from_event_id, earliest, latest)
  SELECT entity_type, entity_id, events, from_event_id, earliest, latest FROM unmarked
), entities AS (
  INSERT INTO features_knownentity (entity_type, entity_id)
  SELECT DISTINCT entity_type, entity_id FROM unmarked ORDER BY 1, 2
  ON CONFLICT DO NOTHING
  RETURNING entity_type
), counted AS (
  INSERT INTO features_countdelta (what, n)
  SELECT 'events:' || entity_type, sum(events) FROM changed GROUP BY entity_type
  UNION ALL SELECT 'entities:' || entity_type, count(*) FROM entities GROUP BY entity_type
)
"""
CHANGED_TYPES = "ARRAY(SELECT entity_type FROM changed GROUP BY 1 ORDER BY 1)"
