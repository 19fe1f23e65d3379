"""Score a loan application with a versioned points card. Standard library only; fitted by `loans.training`.

A card has characteristics; each has bins; a bin gives whole points. Bins are half-open, [low, high): a value equal to
an edge belongs to the bin above it; bins of words are groups of levels. A missing value, and a level that nobody had,
has its own points. The worst bin of a characteristic gives 0. Points are log-odds: `base_points` at odds `base_odds`:1
of repaying, and `points_to_double` more double the odds.
"""

from __future__ import annotations

import json
import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from base.artifacts import ArtifactError, content_hash

FORMAT, OLD_FORMAT = "scorecard/2", "scorecard/1"
MAX_REASONS = 4  # 12 CFR part 1002, comment 9(b)(2)-1: more than four reasons are not likely to be helpful
APPLICATION, BEHAVIOUR = "application", "behaviour"
HISTORY = "event_count_180d"

Value = float | str | None
Inputs = Mapping[str, Value]


class InvalidInput(ValueError):
    """An input is not a finite number."""


@dataclass(frozen=True, slots=True)
class Reason:
    """A specific principal reason in the words of a notice. Source: 12 CFR 1002.9(b)(2)."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class PrincipalReason:
    """A reason and how many points it cost against the best a borrower can have."""

    code: str
    text: str
    points_lost: int


@dataclass(frozen=True, slots=True)
class Line:
    """What one characteristic gave. value: None when missing; bin: its index, None for the missing bin."""

    name: str
    part: str
    value: Value
    bin: int | None
    points: int
    best_points: int
    reason: Reason

    @property
    def lost(self) -> int:
        return self.best_points - self.points


@dataclass(frozen=True, slots=True)
class Scored:
    """The answer of one card.

    base_credit_score: what the application alone is worth. trust_boost: points that behaviour adds, or takes when it
    is worse than the average. total_points: their sum, unclamped.
    final_credit_score: total_points within 0-100. trust_score: share of the behaviour points reached, 0-1.
    probability_of_default: 0-1, from total_points alone. reasons: most points lost first, at most 4.
    """

    card: str
    version: str
    base_credit_score: int
    trust_boost: int
    trust_score: float
    total_points: int
    final_credit_score: int
    probability_of_default: float
    lines: tuple[Line, ...]
    reasons: tuple[PrincipalReason, ...]


@dataclass(frozen=True, slots=True)
class Scale:
    base_points: float
    base_odds: float
    points_to_double: float

    @property
    def factor(self) -> float:
        """Points per unit of log-odds."""
        return self.points_to_double / math.log(2)

    def points(self, log_odds: float) -> float:
        return self.base_points + self.factor * (log_odds - math.log(self.base_odds))

    def probability_of_default(self, points: float) -> float:
        return 1 / (1 + self.base_odds * math.exp((points - self.base_points) / self.factor))


@dataclass(frozen=True, slots=True)
class Characteristic:
    """points: one per bin, len(edges) + 1; or, for words, one per group of `levels`."""

    name: str
    part: str
    edges: tuple[float, ...]
    points: tuple[int, ...]
    missing_points: int
    reason: Reason
    missing_reason: Reason
    levels: tuple[frozenset[str], ...] | None = None

    @property
    def best_points(self) -> int:
        return max(*self.points, self.missing_points)

    def line(self, value: Value) -> Line:
        """Raises InvalidInput for NaN and infinity, and for a word where a number belongs."""
        if value is None:
            return self._missing(None)
        if self.levels is not None:
            found = next((index for index, group in enumerate(self.levels) if str(value) in group), None)
            return self._missing(value) if found is None else self._line(value, found)
        try:
            number = float(value)
        except ValueError:
            raise InvalidInput(f"{self.name} is {value!r}, which is no number") from None
        if not math.isfinite(number):
            raise InvalidInput(f"{self.name} is {number}; a missing value is None")
        return self._line(number, bisect_right(self.edges, number))

    def _line(self, value: Value, index: int) -> Line:
        return Line(self.name, self.part, value, index, self.points[index], self.best_points, self.reason)

    def _missing(self, value: Value) -> Line:
        return Line(self.name, self.part, value, None, self.missing_points, self.best_points, self.missing_reason)


@dataclass(frozen=True, slots=True)
class Card:
    """neutral: the behaviour points of a borrower about whom behaviour says nothing, good or bad."""

    name: str
    offset: int
    characteristics: tuple[Characteristic, ...]
    neutral: int = 0

    def lines(self, inputs: Inputs) -> tuple[Line, ...]:
        return tuple(one.line(inputs.get(one.name)) for one in self.characteristics)

    def total(self, inputs: Inputs) -> int:
        return self.offset + sum(line.points for line in self.lines(inputs))


@dataclass(frozen=True, slots=True)
class Scorecard:
    """Two cards on one scale: application and behaviour, and application alone for a borrower without history.

    A card about something else than borrowers with a bank account has the application alone. sums_reasons: a reason
    costs the points of all its characteristics together; in the first format it cost those of the dearest one.
    """

    version: str
    sha256: str
    scale: Scale
    min_events: int
    cards: Mapping[str, Card]
    sums_reasons: bool = True

    @classmethod
    def load(cls, path: Path) -> Scorecard:
        """Raises ArtifactError for a file that is not a scorecard or whose content was changed."""
        try:
            return cls.from_artifact(json.loads(Path(path).read_text(encoding="utf-8"), parse_constant=_no_constant))
        except json.JSONDecodeError as error:
            raise ArtifactError(f"{path} is not JSON: {error}") from error

    @classmethod
    def from_artifact(cls, artifact: Mapping[str, Any]) -> Scorecard:
        """Raises ArtifactError."""
        if not isinstance(artifact, Mapping) or artifact.get("format") not in (FORMAT, OLD_FORMAT):
            raise ArtifactError(f"expected an artifact of format {FORMAT!r} or {OLD_FORMAT!r}")
        if artifact.get("sha256") != content_hash(artifact):
            raise ArtifactError("the content does not have the hash it was published with")
        try:
            cards = {name: parse_card(name, card) for name, card in artifact["cards"].items()}
            scale = Scale(**{name: float(artifact["scale"][name]) for name in Scale.__slots__})
            sums = artifact["format"] == FORMAT
            scorecard = cls(artifact["version"], artifact["sha256"], scale, int(artifact["min_events"]), cards, sums)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ArtifactError(f"the artifact lacks its shape: {error!r}") from error
        if set(cards) != set(artifact.get("parts", (APPLICATION, BEHAVIOUR))) or APPLICATION not in cards:
            raise ArtifactError(f"expected the cards {APPLICATION} and {BEHAVIOUR}, not {sorted(cards)}")
        if not (scale.base_odds > 0 and scale.points_to_double > 0):
            raise ArtifactError("odds and points to double must be positive")
        return scorecard

    def card_for(self, inputs: Inputs) -> Card:
        """The behaviour card, unless there is too little history to look at (`min_events` in 180 days)."""
        known = BEHAVIOUR in self.cards and float(inputs.get(HISTORY) or 0) >= self.min_events
        return self.cards[BEHAVIOUR if known else APPLICATION]

    def score(self, inputs: Inputs) -> Scored:
        """inputs: of `card_inputs`. Raises InvalidInput."""
        card = self.card_for(inputs)
        lines = card.lines(inputs)
        behaviour = [line for line in lines if line.part == BEHAVIOUR]
        earned = sum(line.points for line in behaviour)
        best = sum(line.best_points for line in behaviour)
        base = card.offset + card.neutral + sum(line.points for line in lines if line.part == APPLICATION)
        trust_boost = earned - card.neutral
        total = base + trust_boost
        return Scored(
            card=card.name,
            version=self.version,
            base_credit_score=base,
            trust_boost=trust_boost,
            trust_score=earned / best if best else 0.0,
            total_points=total,
            final_credit_score=min(100, max(0, total)),
            probability_of_default=self.scale.probability_of_default(total),
            lines=lines,
            reasons=principal_reasons(lines, sums=self.sums_reasons),
        )


def principal_reasons(lines: Sequence[Line], *, sums: bool = True) -> tuple[PrincipalReason, ...]:
    """Where points were lost against the best bin, most first, each reason once, at most 4."""
    lost: dict[Reason, int] = {}
    for line in sorted((line for line in lines if line.lost > 0), key=lambda line: (-line.lost, line.name)):
        lost[line.reason] = lost.get(line.reason, 0) + (line.lost if sums or line.reason not in lost else 0)
    ranked = sorted(lost.items(), key=lambda one: -one[1])[:MAX_REASONS]
    return tuple(PrincipalReason(reason.code, reason.text, points) for reason, points in ranked)


def parse_card(name: str, card: Mapping[str, Any]) -> Card:
    """Raises ArtifactError, KeyError or TypeError for another shape."""
    characteristics = tuple(_characteristic(one) for one in card["characteristics"])
    return Card(name, _whole(card["offset"]), characteristics, _whole(card.get("neutral", 0)))


def _characteristic(one: Mapping[str, Any]) -> Characteristic:
    edges = tuple(float(edge) for edge in one["edges"])
    points = tuple(_whole(number) for number in one["points"])
    levels = tuple(frozenset(group) for group in one["levels"]) if "levels" in one else None
    if levels is not None and (edges or len(frozenset().union(*levels)) != sum(map(len, levels))):
        raise ArtifactError(f"{one['name']}: a level is in one bin")
    bins = len(edges) + 1 if levels is None else len(levels)
    if len(points) != bins or any(a >= b for a, b in zip(edges, edges[1:], strict=False)):
        raise ArtifactError(f"{one['name']}: bins must rise and have points each")
    if one["part"] not in (APPLICATION, BEHAVIOUR) or not all(map(math.isfinite, edges)):
        raise ArtifactError(f"{one['name']}: unknown part or an edge that is no number")
    if min(*points, missing := _whole(one["missing_points"])) < 0:
        raise ArtifactError(f"{one['name']}: points below zero")
    reasons = (Reason(**one["reason"]), Reason(**one["missing_reason"]))
    return Characteristic(one["name"], one["part"], edges, points, missing, *reasons, levels)


def _whole(number: Any) -> int:
    if type(number) is not int:
        raise ArtifactError(f"points are whole numbers, not {number!r}")
    return number


def _no_constant(name: str) -> float:
    raise ArtifactError(f"{name} is no value of a scorecard")
