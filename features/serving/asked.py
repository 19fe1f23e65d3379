"""What a question asks for: features by name, grouped by the set they belong to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from features.definitions import FeatureSet
from features.serving.stored import find_feature, find_set


class MixedEntities(ValueError):
    """The features of one question are about different entities."""


PICKED = """CASE WHEN {names}::text[] IS NULL THEN {vals}
  ELSE (SELECT jsonb_object_agg(n, {vals}->n) FROM unnest({names}::text[]) AS n) END"""


@dataclass(frozen=True, slots=True)
class Asked:
    """A feature set and those of its features that are wanted, in the order of the question."""

    feature_set: type[FeatureSet]
    names: tuple[str, ...]

    @property
    def picks(self) -> list[str] | None:
        """The names for SQL; None for the whole set."""
        return None if set(self.names) == set(self.feature_set.features) else list(self.names)


def asked_of(references: Iterable[str | type[FeatureSet]]) -> list[Asked]:
    """Resolve sets, and texts such as `set:feature`, `set@v2:feature`, `set@v2` and `set`; one `Asked` for each set.

    Raises UnknownFeature, and MixedEntities as one question has the ids of one entity.
    """
    references = list(references)
    if len(references) == 1 and isinstance(references[0], type):
        return [Asked(references[0], tuple(references[0].features))]
    names: dict[type[FeatureSet], dict[str, None]] = {}
    for reference in references:
        whole = find_set(reference) if isinstance(reference, str) and ":" not in reference else reference
        if whole is None or isinstance(whole, str):
            feature_set, name = find_feature(str(reference))
            names.setdefault(feature_set, {})[name] = None
        else:
            names.setdefault(whole, {}).update(dict.fromkeys(whole.features))
    entities = sorted({feature_set.entity.name for feature_set in names})
    if len(entities) > 1:
        raise MixedEntities(f"These features are about different entities: {', '.join(entities)}.")
    return [Asked(feature_set, tuple(chosen)) for feature_set, chosen in names.items()]
