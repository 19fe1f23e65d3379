"""What another version of a feature set would change: both computed for the same entities as of the same time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from statistics import median
from typing import Any

from django.db import connection

from features.definitions import FeatureSet, find_feature_set
from features.language.derived import NUMBERS
from features.serving.stored import point_in_time

AT_ONCE, EXAMPLES = 200, 10
CLOSE = 1e-9  # floats that differ by less than this share are the same: the order of a sum may be another
SAMPLE = """
SELECT entity_id FROM features_knownentity WHERE entity_type = %s ORDER BY hashtextextended(entity_id, 0) LIMIT %s
"""


class NotComparable(ValueError):
    """The versions are not there, are the same, or are about different entities."""


def find_versions(old: str, new: str) -> tuple[type[FeatureSet], type[FeatureSet]]:
    """The sets that `name@version` means. Raises NotComparable."""
    found = []
    for label in (old, new):
        name, _, version = label.partition("@")
        feature_set = find_feature_set(name, version)
        if feature_set is None:
            raise NotComparable(f"No feature set is called {label[:120]!r}; write name@version.")
        found.append(feature_set)
    if found[0] is found[1]:
        raise NotComparable("These are one version.")
    if found[0].entity != found[1].entity:
        raise NotComparable(f"{old} is about a {found[0].entity.name}, {new} about a {found[1].entity.name}.")
    return found[0], found[1]


def compare(
    old: type[FeatureSet], new: type[FeatureSet], *, sample: int, as_of: datetime
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields (entities done, figures so far by feature) after each part of the sample; nothing is stored.

    A feature is compared with the one of its name. Figures: see `Comparison`.
    """
    entity_ids = _sample(old.entity.name, sample)
    compared = {name: Comparison(old, new, name) for name in dict.fromkeys([*old.features, *new.features])}
    shared = [comparison for comparison in compared.values() if comparison.found_in == "both"]
    for start in range(0, len(entity_ids), AT_ONCE):
        spine = [(entity_id, as_of) for entity_id in entity_ids[start : start + AT_ONCE]]
        for before, after in zip(point_in_time(old, spine), point_in_time(new, spine), strict=True):
            then, now = before.values(), after.values()
            for comparison in shared:
                comparison.add(before.entity_id, then[comparison.name], now[comparison.name])
        yield start + len(spine), {name: comparison.figures() for name, comparison in compared.items()}
    if not entity_ids:
        yield 0, {name: comparison.figures() for name, comparison in compared.items()}


def _sample(entity_type: str, size: int) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(SAMPLE, [entity_type, size])
        return [row[0] for row in cursor.fetchall()]


class Comparison:
    """One feature in two versions: where it is, whether its definition changed, and for how many entities its value.

    Differences are new minus old, of numbers that both have; sizes without their sign.
    """

    def __init__(self, old: type[FeatureSet], new: type[FeatureSet], name: str) -> None:
        self.name = name
        definitions = [s.definition()["features"].get(name) for s in (old, new)]
        self.found_in = "both" if all(definitions) else "old" if definitions[0] else "new"
        self.definition_changed = self.found_in == "both" and definitions[0] != definitions[1]
        kinds: Sequence[str] = [d["data_type"] for d in definitions if d]
        self.numeric = all(kind in NUMBERS for kind in kinds)
        self.n = self.differ = self.became_null = self.was_null = 0
        self.sizes: list[float] = []
        self.examples: list[dict[str, Any]] = []

    def add(self, entity_id: str, then: Any, now: Any) -> None:
        self.n += 1
        if self._same(then, now):
            return
        self.differ += 1
        self.became_null += now is None
        self.was_null += then is None
        if self.numeric and then is not None and now is not None:
            self.sizes.append(abs(float(now) - float(then)))
        if len(self.examples) < EXAMPLES:
            self.examples.append({"entity_id": entity_id, "old": _shown(then), "new": _shown(now)})

    def _same(self, then: Any, now: Any) -> bool:
        if then == now or not self.numeric or then is None or now is None:
            return bool(then == now)
        return abs(float(now) - float(then)) <= CLOSE * max(abs(float(then)), abs(float(now)))

    def figures(self) -> dict[str, Any]:
        return {
            "found_in": self.found_in,
            "definition_changed": self.definition_changed,
            "n": self.n,
            "differ": self.differ,
            "share": self.differ / self.n if self.n else 0.0,
            "largest": max(self.sizes, default=None),
            "median": median(self.sizes) if self.sizes else None,
            "became_null": self.became_null,
            "was_null": self.was_null,
            "examples": self.examples,
        }


def _shown(value: Any) -> Any:
    """As JSON, decimals with every digit."""
    return format(value, "f") if isinstance(value, Decimal) else json.loads(json.dumps(value, default=str))
