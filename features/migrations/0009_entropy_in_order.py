"""Floats are added in one order, whatever the plan: the same rows give the same entropy to the last bit."""

from django.db import migrations

BODY = """
CREATE OR REPLACE FUNCTION features_entropy(labels text[]) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT abs(sum(share * ln(share){order}) / ln(2::double precision))
  FROM (SELECT count(*)::double precision / (sum(count(*)) OVER ())::double precision AS share
        FROM unnest(labels) AS l(label) WHERE label IS NOT NULL GROUP BY label) shares
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("features", "0008_backfills")]
    operations = [migrations.RunSQL(BODY.format(order=" ORDER BY share"), BODY.format(order=""))]
