from django.db import migrations, models

ENTROPY = """
CREATE FUNCTION features_entropy(labels text[]) RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT abs(sum(share * ln(share)) / ln(2::double precision))
  FROM (SELECT count(*)::double precision / (sum(count(*)) OVER ())::double precision AS share
        FROM unnest(labels) AS l(label) WHERE label IS NOT NULL GROUP BY label) shares
$$;
"""

# What features.ingest does for raw events, for rows of other tables (features.marks).
MARK = """
CREATE FUNCTION features_mark(marked text, ids text[], times timestamptz[]) RETURNS void LANGUAGE sql AS $$
WITH changed AS MATERIALIZED (
  SELECT id AS entity_id, happened <= now() AS past, count(*) AS events, min(happened) AS earliest,
    max(happened) AS latest
  FROM unnest(ids, times) AS row(id, happened) GROUP BY 1, 2
), held AS MATERIALIZED (
  SELECT free.id, changed.* FROM changed CROSS JOIN LATERAL (
    SELECT mark.id FROM features_staleentity mark
    WHERE mark.entity_type = marked AND mark.entity_id = changed.entity_id AND mark.latest <= now()
    LIMIT 1 FOR UPDATE SKIP LOCKED) free
  WHERE changed.past
), renewed AS (
  UPDATE features_staleentity mark SET events = mark.events + held.events,
    earliest = least(mark.earliest, held.earliest), latest = greatest(mark.latest, held.latest)
  FROM held WHERE mark.id = held.id
  RETURNING mark.id, mark.entity_id
), unmarked AS MATERIALIZED (
  SELECT changed.* FROM changed LEFT JOIN renewed USING (entity_id) WHERE NOT past OR renewed.id IS NULL
), added AS (
  INSERT INTO features_staleentity (entity_type, entity_id, events, earliest, latest)
  SELECT marked, entity_id, events, earliest, latest FROM unmarked
), entities AS (
  INSERT INTO features_knownentity (entity_type, entity_id)
  SELECT DISTINCT marked, entity_id FROM unmarked ORDER BY 2
  ON CONFLICT DO NOTHING
  RETURNING entity_id
)
INSERT INTO features_countdelta (what, n)
SELECT 'entities:' || marked, count(*) FROM entities HAVING count(*) > 0
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("features", "0002_stale_marks")]
    operations = [
        migrations.RunSQL(ENTROPY, "DROP FUNCTION features_entropy(text[])"),
        migrations.RunSQL(MARK, "DROP FUNCTION features_mark(text, text[], timestamptz[])"),
        migrations.AddField("featuresetversion", "ttl_s", models.PositiveIntegerField(null=True)),
    ]
