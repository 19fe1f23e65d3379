"""Who uses a feature set: said beside it by those who do, so that its owner knows whom a new version concerns.

uses("loans.scorecard", CoreBehavioral, "account_conduct@v1", kind="model", description="Points of a request.")
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from features.definitions import FeatureSet

KINDS = ("model", "rules", "dataset", "report")


@dataclass(frozen=True, slots=True)
class Use:
    """name: the user, `<app>.<what>`. kind: model, rules, dataset or report."""

    name: str
    kind: str
    description: str = ""


_uses: dict[str, dict[str, Use]] = {}


def uses(name: str, *feature_sets: type[FeatureSet] | str, kind: str, description: str = "") -> None:
    """Declare that something reads these sets, given as classes or, of another domain, by `set@version`."""
    if kind not in KINDS:
        raise RuntimeError(f"{name}: a user of features is a {', '.join(KINDS)}, not {kind!r}")
    for feature_set in feature_sets:
        label = feature_set if isinstance(feature_set, str) else feature_set.label()
        _uses.setdefault(label, {})[name] = Use(name, kind, description)


def used_by(feature_set: type[FeatureSet]) -> list[Use]:
    """Who has said that it reads this set, by name."""
    return [use for _, use in sorted(_uses.get(feature_set.label(), {}).items())]
