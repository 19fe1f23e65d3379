"""The features of a training set, by the set they belong to."""

from __future__ import annotations

from collections.abc import Sequence

from features.definitions import FeatureSet
from features.serving.asked import MixedEntities, asked_of
from features.serving.stored import UnknownFeature

Wanted = dict[type[FeatureSet], list[str]]


def wanted(names: Sequence[str]) -> Wanted:
    """The features by set, each once, in the order they are asked for: named as for inference.

    Raises UnknownFeature, also for features of different entities, which have no common rows.
    """
    try:
        return {one.feature_set: list(one.names) for one in asked_of(names)}
    except MixedEntities as error:
        raise UnknownFeature(str(error)) from None


def labels(asked: Wanted) -> list[str]:
    """The full name of each feature, which says the version: `set@version:feature`."""
    return [f"{feature_set.label()}:{name}" for feature_set, names in asked.items() for name in names]


def entity_of(asked: Wanted) -> str:
    return next(iter(asked)).entity.name
