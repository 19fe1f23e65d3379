"""Measure all features of a set by one look at its stored values. The statement is fixed; features are parameters."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from features.catalogue import set_id
from features.definitions import FeatureSet
from features.language.derived import NUMBERS
from features.quality.models import Figures
from features.values import counts

ENTITIES = 20_000  # beyond them a sample of about so many is looked at
KEPT = 1_000  # values of a feature that a snapshot keeps
WORDS, SHARED_BY = 20, 5  # so many of the commonest words, each of at least so many entities
GREATEST = "1e140"  # beyond it squares leave double precision

SAMPLED = "TABLESAMPLE SYSTEM (%(percent)s)"
MEASURE = """
WITH sample AS MATERIALIZED (
  SELECT entity_id, as_of, vals, row_number() OVER (ORDER BY hashtextextended(entity_id, %(seed)s)) <= %(kept)s AS kept
  FROM model_features {sampled} WHERE feature_set_id = %(set_id)s
), features AS MATERIALIZED (
  SELECT f.place, f.name, f.kind, f.low, f.high, f.edges::float8[] AS edges, f.words::jsonb AS words
  FROM unnest(%(names)s::text[], %(kinds)s::text[], %(lows)s::numeric[], %(highs)s::numeric[], %(edges)s::text[],
              %(words)s::text[]) WITH ORDINALITY AS f(name, kind, low, high, edges, words, place)
), read AS NOT MATERIALIZED (
  SELECT f.*, s.kept, s.vals ->> f.name AS written,
    CASE f.kind WHEN 'number' THEN (s.vals ->> f.name)::numeric
                WHEN 'datetime' THEN extract(epoch FROM s.as_of - (s.vals ->> f.name)::timestamptz) END AS number
  FROM sample s CROSS JOIN features f
), numbers AS NOT MATERIALIZED (
  SELECT *, CASE WHEN abs(number) > {greatest} THEN NULL WHEN abs(number) < 1e-140 THEN 0 ELSE number::float8 END AS x
  FROM read WHERE kind <> 'word'
), counted AS (
  SELECT place, written, words, count(*) AS times FROM read WHERE kind = 'word' GROUP BY place, written, words
), ranked AS (
  SELECT *, row_number() OVER (PARTITION BY place ORDER BY times DESC, written) AS turn
  FROM counted WHERE written IS NOT NULL
)
SELECT place, jsonb_build_object('n', count(*), 'nulls', count(*) - count(written),
  'range_violations', count(*) FILTER (WHERE written IS NOT NULL AND (x IS NULL OR number < low OR number > high)),
  'minimum', min(x), 'maximum', max(x), 'mean', avg(x), 'stddev', stddev_samp(x), 'distinct', count(DISTINCT x),
  'deciles', percentile_disc(ARRAY[.1, .2, .3, .4, .5, .6, .7, .8, .9]) WITHIN GROUP (ORDER BY x),
  'sample', coalesce(array_agg(x) FILTER (WHERE kept AND x IS NOT NULL), '{{}}'))
FROM numbers GROUP BY place
UNION ALL
SELECT place, jsonb_build_object('bins', jsonb_object_agg(bin, times)) FROM (
  SELECT place, width_bucket(x, edges) AS bin, count(*) AS times FROM numbers
  WHERE x IS NOT NULL AND cardinality(edges) > 0 GROUP BY 1, 2) binned GROUP BY place
UNION ALL
SELECT place, jsonb_build_object('n', sum(times), 'nulls', coalesce(sum(times) FILTER (WHERE written IS NULL), 0),
  'distinct', count(written)) FROM counted GROUP BY place
UNION ALL
SELECT place, jsonb_build_object('words', jsonb_object_agg(left(written, 200), times)) FROM ranked
WHERE times >= %(shared_by)s AND (turn <= %(most)s OR words ? written) GROUP BY place
UNION ALL
SELECT 0, jsonb_build_object('stale', count(*)) FROM sample WHERE entity_id IN (
  SELECT m.entity_id FROM features_staleentity m WHERE m.entity_type = %(entity_type)s AND m.events > 0
    AND greatest(m.since, m.latest) < now() - make_interval(secs => %(fresh_for)s))
"""


@dataclass(slots=True)
class Measured:
    """A set's values. entities: how many have values; stale: of the n looked at; figures: by feature, as rows name
    them, and `bins`: count by number of the reference's bin."""

    entities: int
    stale: int = 0
    figures: dict[str, dict[str, Any]] = field(default_factory=dict)


def kind_of(data_type: str) -> str:
    return "number" if data_type in NUMBERS else "datetime" if data_type == "datetime" else "word"


def measure(feature_set: type[FeatureSet], references: Mapping[str, Figures], *, seed: int = 0) -> Measured:
    """Figures of every feature over at most about ENTITIES entities; none for a set without values.

    seed: which values are kept as a sample.
    """
    number = set_id(feature_set)
    entities = counts.read().get(f"values:{number}", 0)
    declared = [(name, kind_of(f.data_type), f.expected or (None, None)) for name, f in feature_set.features.items()]
    held = [references.get(name) for name, _, _ in declared]
    parameters: dict[str, Any] = {
        "set_id": number,
        "entity_type": feature_set.entity.name,
        "fresh_for": feature_set.freshness.total_seconds(),
        "percent": 100 * ENTITIES / max(entities, 1),
        "seed": seed,
        "kept": KEPT,
        "most": WORDS,
        "shared_by": SHARED_BY,
        "names": [name for name, _, _ in declared],
        "kinds": [kind for _, kind, _ in declared],
        "lows": [low for _, _, (low, _) in declared],
        "highs": [high for _, _, (_, high) in declared],
        "edges": ["{" + ",".join(map(repr, reference.edges)) + "}" if reference else "{}" for reference in held],
        "words": [json.dumps(list(reference.words)) if reference else "[]" for reference in held],
    }
    question = MEASURE.format(sampled=SAMPLED if entities > ENTITIES else "", greatest=GREATEST)
    measured = Measured(entities)
    with connection.cursor() as cursor:
        cursor.execute(question, parameters)
        for place, found in cursor.fetchall():
            figures = json.loads(found)
            if place:
                measured.figures.setdefault(declared[place - 1][0], {}).update(figures)
            else:
                measured.stale = figures["stale"]
    return measured
