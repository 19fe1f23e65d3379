"""Features as clients name them: `feature`, `set:feature`, `set@version:feature`, and whole sets: `set`, `set@v1`."""

from __future__ import annotations

from collections.abc import Sequence

from features.definitions import FeatureSet, find_feature_set
from features.serving.stored import UnknownFeature, find_feature

Wanted = dict[type[FeatureSet], list[str]]


def wanted(names: Sequence[str]) -> Wanted:
    """The features by set, each once, in the order they are asked for.

    Raises UnknownFeature, also for features of different entities, which have no common rows.
    """
    found: Wanted = {}
    for name in names:
        feature_set, features = _resolved(name)
        known = found.setdefault(feature_set, [])
        known.extend(feature for feature in features if feature not in known)
    entities = sorted({feature_set.entity.name for feature_set in found})
    if len(entities) > 1:
        raise UnknownFeature(f"These features are about different entities: {', '.join(entities)}.")
    return found


def _resolved(name: str) -> tuple[type[FeatureSet], list[str]]:
    if ":" not in name:
        set_name, _, version = name.partition("@")
        feature_set = find_feature_set(set_name, version or None)
        if feature_set is not None:
            return feature_set, list(feature_set.features)
    feature_set, feature = find_feature(name)
    return feature_set, [feature]


def labels(asked: Wanted) -> list[str]:
    """The full name of each feature, which says the version: `set@version:feature`."""
    return [f"{feature_set.label()}:{name}" for feature_set, names in asked.items() for name in names]


def entity_of(asked: Wanted) -> str:
    return next(iter(asked)).entity.name
