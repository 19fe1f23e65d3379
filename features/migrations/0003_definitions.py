from django.db import migrations, models

ENTROPY = """
CREATE FUNCTION features_entropy(labels text[]) RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT abs(sum(share * ln(share)) / ln(2::double precision))
  FROM (SELECT count(*)::double precision / (sum(count(*)) OVER ())::double precision AS share
        FROM unnest(labels) AS l(label) WHERE label IS NOT NULL GROUP BY label) shares
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("features", "0002_stale_marks")]
    operations = [
        migrations.RunSQL(ENTROPY, "DROP FUNCTION features_entropy(text[])"),
        migrations.AddField("featuresetversion", "ttl_s", models.PositiveIntegerField(null=True)),
    ]
