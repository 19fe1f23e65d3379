"""What the catalogue tells of a feature set besides its definition: coverage, freshness, who uses it, its versions."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from features.catalogue import set_id
from features.definitions import FeatureSet
from features.language.uses import used_by
from features.lineage.columns import columns_of_set
from features.models import FeatureSetVersion
from features.values import counts
from features.values.coverage import coverage_of

LOOKED_AT = 200_000  # values; of more a part is looked at, and shares are estimates


@dataclass(frozen=True, slots=True)
class Freshness:
    """How old stored values are. old: the share, 0–1, of values as of a time longer ago than the set's freshness.

    exact: false where only some of very many values were looked at.
    """

    old: float | None = None
    oldest_as_of: datetime | None = None
    last_computed_at: datetime | None = None
    exact: bool = True


FRESHNESS = """
SELECT v.feature_set_id, avg((v.as_of < now() - make_interval(secs => c.freshness_s))::int)::float8, min(v.as_of),
  max(v.computed_at)
FROM model_features v {sample} JOIN features_featuresetversion c ON c.id = v.feature_set_id
WHERE v.feature_set_id = ANY(%s) GROUP BY v.feature_set_id
"""
SAMPLE = "TABLESAMPLE SYSTEM (%s)"


def freshness_of(*sets: type[FeatureSet]) -> list[Freshness]:
    """One for each of these sets, in their order; empty where nothing is stored."""
    ids = [set_id(each) for each in sets]
    stored = sum(n for what, n in counts.read().items() if what.startswith("values:"))
    exact = stored <= LOOKED_AT
    with connection.cursor() as cursor:
        percent = [] if exact else [100 * LOOKED_AT / stored]
        cursor.execute(FRESHNESS.format(sample="" if exact else SAMPLE), [*percent, ids])
        found = {number: Freshness(old, oldest, last, exact) for number, old, oldest, last in cursor.fetchall()}
    return [found.get(number, Freshness(exact=exact)) for number in ids]


def described(*sets: type[FeatureSet]) -> list[dict[str, Any]]:
    """Each of these sets as the API tells it, without its definition."""
    rows = {(row.name, row.version): row for row in FeatureSetVersion.objects.all()}
    every = zip(sets, coverage_of(*sets), freshness_of(*sets), strict=True)
    return [
        _head(each, rows[each.name, each.version])
        | {"versions": [version for name, version in rows if name == each.name]}
        | {
            "coverage": covered.as_dict(),
            "freshness": asdict(fresh) | {"freshness_s": rows[each.name, each.version].freshness_s},
            "used_by": [asdict(use) for use in used_by(each)],
        }
        for each, covered, fresh in every
    ]


def described_whole(feature_set: type[FeatureSet]) -> dict[str, Any]:
    """One set with its definition and, for each feature, the columns it reads."""
    [told] = described(feature_set)
    read = columns_of_set(feature_set)
    return told | {
        "definition": feature_set.definition(),
        "columns": {name: [asdict(column) for column in columns] for name, columns in read.items()},
    }


def _head(feature_set: type[FeatureSet], row: FeatureSetVersion) -> dict[str, Any]:
    return {
        "feature_set": feature_set.name,
        "version": feature_set.version,
        "entity_type": feature_set.entity.key or feature_set.entity.name,
        "description": row.description,
        "owner": row.owner,
        "tags": row.tags,
        "features": list(feature_set.features),
        "checksum": row.checksum,
        "ttl_s": row.ttl_s,
        "created_at": row.created_at,
    }
