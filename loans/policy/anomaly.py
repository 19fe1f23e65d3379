"""How unlike other borrowers' features are: robust distances, from an artifact of plain JSON. Pure.

Each feature's distance from the median is counted in spreads (1.4826 times the median absolute deviation) and cut at
ten; the borrower's is the root of their mean square. The score is the share of borrowers of the training data who are
nearer. A distance is the sum of its features' parts, so it explains itself.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median
from typing import Any

from base.artifacts import ArtifactError, content_hash
from loans.policy.fraud import Found
from loans.scorecard import Reason

FORMAT = "anomaly/1"
FLAG = "unusual_behaviour"
REASON = Reason("F05", "Unable to verify recent activity on the account")
TO_DEVIATION = 1.4826  # of a normal distribution, from its median absolute deviation
FARTHEST = 10.0
LEVELS = 400
SHOWN = 5


class TooFewRows(ValueError):
    """The spread of features cannot be told from so few borrowers."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one feature adds: its value, how many spreads from the median, and its share of the squared distance."""

    feature: str
    value: float
    spreads: float
    share: float


@dataclass(frozen=True, slots=True)
class Oddity:
    """score: 0–1, share of the training data that is nearer. parts: the largest first, at most five."""

    score: float
    distance: float
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Anomaly:
    """usual: feature → (median, spread). distances: of the training data at even shares, rising."""

    version: str
    sha256: str
    usual: Mapping[str, tuple[float, float]]
    distances: Sequence[float]

    @classmethod
    def from_artifact(cls, artifact: Mapping[str, Any]) -> Anomaly:
        """Raises ArtifactError for another shape or a content that was changed."""
        if not isinstance(artifact, Mapping) or artifact.get("format") != FORMAT:
            raise ArtifactError(f"expected an artifact of format {FORMAT!r}")
        if artifact.get("sha256") != content_hash(artifact):
            raise ArtifactError("the content does not have the hash it was published with")
        try:
            usual = {name: (float(one["median"]), float(one["spread"])) for name, one in artifact["features"].items()}
            distances = tuple(float(one) for one in artifact["distances"])
            found = cls(str(artifact["version"]), artifact["sha256"], usual, distances)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ArtifactError(f"the artifact lacks its shape: {error!r}") from error
        if not usual or not distances or sorted(distances) != list(distances) or any(s <= 0 for _, s in usual.values()):
            raise ArtifactError("spreads are above zero and distances rise")
        return found

    def score(self, features: Mapping[str, float | None]) -> Oddity | None:
        """None where a feature is not known: nothing is guessed."""
        values = {name: features.get(name) for name in self.usual}
        known = {name: float(value) for name, value in values.items() if value is not None}
        if len(known) < len(values) or not all(map(math.isfinite, known.values())):
            return None
        spreads = {name: _spreads(value, *self.usual[name]) for name, value in known.items()}
        squares = math.fsum(one * one for one in spreads.values())
        distance = math.sqrt(squares / len(spreads))
        ranked = sorted(spreads, key=lambda name: (-abs(spreads[name]), name))[:SHOWN]
        return Oddity(
            score=round(bisect_left(self.distances, distance) / len(self.distances), 4),
            distance=round(distance, 4),
            parts=tuple(
                Part(
                    name,
                    known[name],
                    round(spreads[name], 2),
                    round(spreads[name] ** 2 / squares, 4) if squares else 0.0,
                )
                for name in ranked
            ),
        )


def _spreads(value: float, middle: float, spread: float) -> float:
    return max(-FARTHEST, min(FARTHEST, (value - middle) / spread))


def found_odd(oddity: Oddity | None, *, limit: float, weight: float) -> list[Found]:
    """The flag for behaviour at or above a limit of the score; its weight counts as any rule's."""
    if oddity is None or oddity.score < limit:
        return []
    evidence = {
        "flag": FLAG,
        "kind": "anomaly",
        "weight": weight,
        "found": {"score": oddity.score, "distance": oddity.distance},
        "limits": {"from": limit},
        "features": [
            {"feature": one.feature, "value": one.value, "spreads": one.spreads, "share": one.share}
            for one in oddity.parts
        ],
    }
    return [Found(FLAG, weight, REASON, evidence)]


def fit(
    rows: Sequence[Mapping[str, float | None]], *, version: str, created_on: date, definitions: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """The artifact of features that are always known and differ between borrowers. Raises TooFewRows."""
    names = sorted(set().union(*rows)) if rows else []
    always = [name for name in names if all(row.get(name) is not None for row in rows)]
    usual = {name: _usual([float(row[name] or 0) for row in rows]) for name in always}
    features = {name: one for name, one in usual.items() if one["spread"] > 0}
    if len(rows) < LEVELS // 2 or not features:
        raise TooFewRows(f"{len(rows)} borrowers with features; there must be {LEVELS // 2}.")
    distances = sorted(
        math.sqrt(math.fsum(_spreads(float(row[n] or 0), **_at(features[n])) ** 2 for n in features) / len(features))
        for row in rows
    )
    artifact: dict[str, Any] = {
        "format": FORMAT,
        "version": version,
        "created_on": created_on.isoformat(),
        "feature_sets": list(definitions),
        "rows": len(rows),
        "features": features,
        "distances": [
            round(distances[min(len(distances) - 1, level * len(distances) // LEVELS)], 6) for level in range(LEVELS)
        ],
    }
    return artifact | {"sha256": content_hash(artifact)}


def _usual(values: list[float]) -> dict[str, float]:
    middle = median(values)
    return {"median": middle, "spread": TO_DEVIATION * median(abs(value - middle) for value in values)}


def _at(one: Mapping[str, float]) -> dict[str, float]:
    return {"middle": one["median"], "spread": one["spread"]}
