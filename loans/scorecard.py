"""Score a loan application with a versioned points card. Standard library only; fitted by `loans.training`.

A card has characteristics; each has bins; a bin gives whole points. Bins are half-open, [low, high): a value equal to
an edge belongs to the bin above it. A missing value has its own points. The worst bin of a characteristic gives 0.
Points are log-odds: `base_points` at odds `base_odds`:1 of repaying, and `points_to_double` more double the odds.
"""

from __future__ import annotations

import hashlib
import json
import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FORMAT = "scorecard/1"
DEFAULT_TERM_MONTHS = 24
MAX_REASONS = 4  # 12 CFR part 1002, comment 9(b)(2)-1: more than four reasons are not likely to be helpful
MAX_PAYMENT_TO_INCOME = 10.0
INCOME_MONTHS = 6
APPLICATION, BEHAVIOUR = "application", "behaviour"
HISTORY = "event_count_180d"

Inputs = Mapping[str, float | None]


class ArtifactError(ValueError):
    """The artifact is not a scorecard, or is not the one that was published."""


class InvalidInput(ValueError):
    """An input is not a finite number."""


@dataclass(frozen=True, slots=True)
class Application:
    """What is asked for. requested_amount: CZK, more than 0; term_months: more than 0."""

    requested_amount: float
    term_months: int = DEFAULT_TERM_MONTHS

    @property
    def monthly_payment(self) -> float:
        """Amount over term, as in the loans of the training data, which state no interest."""
        return float(self.requested_amount) / self.term_months


@dataclass(frozen=True, slots=True)
class Reason:
    """A specific principal reason in the words of a notice. Source: 12 CFR 1002.9(b)(2)."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """What one characteristic gave. value: None when missing; bin: its index, None for the missing bin."""

    name: str
    part: str
    value: float | None
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

    total_points: unclamped; base_credit_score + trust_boost.
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
    reasons: tuple[Reason, ...]


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
    """points: one per bin, len(edges) + 1."""

    name: str
    part: str
    edges: tuple[float, ...]
    points: tuple[int, ...]
    missing_points: int
    reason: Reason
    missing_reason: Reason

    @property
    def best_points(self) -> int:
        return max(*self.points, self.missing_points)

    def line(self, value: float | None) -> Line:
        """Raises InvalidInput for NaN and infinity."""
        if value is None:
            return Line(self.name, self.part, None, None, self.missing_points, self.best_points, self.missing_reason)
        number = float(value)
        if not math.isfinite(number):
            raise InvalidInput(f"{self.name} is {number}; a missing value is None")
        index = bisect_right(self.edges, number)
        return Line(self.name, self.part, number, index, self.points[index], self.best_points, self.reason)


@dataclass(frozen=True, slots=True)
class Card:
    name: str
    offset: int
    characteristics: tuple[Characteristic, ...]

    def lines(self, inputs: Inputs) -> tuple[Line, ...]:
        return tuple(one.line(inputs.get(one.name)) for one in self.characteristics)

    def total(self, inputs: Inputs) -> int:
        return self.offset + sum(line.points for line in self.lines(inputs))


@dataclass(frozen=True, slots=True)
class Scorecard:
    """Two cards on one scale: application and behaviour, and application alone for a borrower without history."""

    version: str
    sha256: str
    scale: Scale
    min_events: int
    cards: Mapping[str, Card]

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
        if not isinstance(artifact, Mapping) or artifact.get("format") != FORMAT:
            raise ArtifactError(f"expected an artifact of format {FORMAT!r}")
        if artifact.get("sha256") != content_hash(artifact):
            raise ArtifactError("the content does not have the hash it was published with")
        try:
            cards = {name: parse_card(name, card) for name, card in artifact["cards"].items()}
            scale = Scale(**{name: float(artifact["scale"][name]) for name in Scale.__slots__})
            scorecard = cls(artifact["version"], artifact["sha256"], scale, int(artifact["min_events"]), cards)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ArtifactError(f"the artifact lacks its shape: {error!r}") from error
        if set(cards) != {APPLICATION, BEHAVIOUR}:
            raise ArtifactError(f"expected the cards {APPLICATION} and {BEHAVIOUR}, not {sorted(cards)}")
        if not (scale.base_odds > 0 and scale.points_to_double > 0):
            raise ArtifactError("odds and points to double must be positive")
        return scorecard

    def card_for(self, inputs: Inputs) -> Card:
        """The behaviour card, unless there is too little history to look at (`min_events` in 180 days)."""
        return self.cards[BEHAVIOUR if (inputs.get(HISTORY) or 0) >= self.min_events else APPLICATION]

    def score(self, inputs: Inputs) -> Scored:
        """inputs: of `card_inputs`. Raises InvalidInput."""
        card = self.card_for(inputs)
        lines = card.lines(inputs)
        behaviour = [line for line in lines if line.part == BEHAVIOUR]
        trust_boost = sum(line.points for line in behaviour)
        best = sum(line.best_points for line in behaviour)
        base = card.offset + sum(line.points for line in lines if line.part == APPLICATION)
        total = base + trust_boost
        return Scored(
            card=card.name,
            version=self.version,
            base_credit_score=base,
            trust_boost=trust_boost,
            trust_score=trust_boost / best if best else 0.0,
            total_points=total,
            final_credit_score=min(100, max(0, total)),
            probability_of_default=self.scale.probability_of_default(total),
            lines=lines,
            reasons=principal_reasons(lines),
        )


def card_inputs(application: Application, features: Inputs) -> dict[str, float | None]:
    """What the cards look at: the application, the features, and what only both together say.

    features: values of core_behavioral@v1 and account_conduct@v1 as of the request; amounts in CZK; empty when
    nothing is known. Covers are counted in monthly payments. payment_to_income is a share of the average monthly
    inflow of 180 days, 10 at most, also when nothing came in. With a history, no cash deposit is one of 0.
    """
    payment = application.monthly_payment
    inputs: dict[str, float | None] = dict(features)
    inputs |= {
        "monthly_payment": payment,
        "requested_amount": float(application.requested_amount),
        "term_months": float(application.term_months),
        "lowest_balance_cover_all": _over(features.get("balance_min_all"), payment),
        "mean_balance_cover_180d": _over(features.get("balance_mean_180d"), payment),
        "payment_to_income_180d": payment_to_income(payment, features.get("inflow_sum_180d")),
    }
    if features.get(HISTORY) and inputs.get("cash_deposit_max_180d") is None:
        inputs["cash_deposit_max_180d"] = 0.0
    return inputs


def payment_to_income(payment: float, inflow_sum_180d: float | None) -> float | None:
    if inflow_sum_180d is None:
        return None
    income = float(inflow_sum_180d) / INCOME_MONTHS
    return MAX_PAYMENT_TO_INCOME if income <= 0 else min(MAX_PAYMENT_TO_INCOME, payment / income)


def principal_reasons(lines: Sequence[Line]) -> tuple[Reason, ...]:
    """Where points were lost against the best bin, most first, each reason once, at most 4."""
    ranked = sorted((line for line in lines if line.lost > 0), key=lambda line: (-line.lost, line.name))
    return tuple(dict.fromkeys(line.reason for line in ranked))[:MAX_REASONS]


def content_hash(artifact: Mapping[str, Any]) -> str:
    """SHA-256 of the artifact without its own hash, as canonical JSON."""
    content = {key: value for key, value in artifact.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def parse_card(name: str, card: Mapping[str, Any]) -> Card:
    """Raises ArtifactError, KeyError or TypeError for another shape."""
    return Card(name, _whole(card["offset"]), tuple(_characteristic(one) for one in card["characteristics"]))


def _characteristic(one: Mapping[str, Any]) -> Characteristic:
    edges = tuple(float(edge) for edge in one["edges"])
    points = tuple(_whole(number) for number in one["points"])
    if len(points) != len(edges) + 1 or any(a >= b for a, b in zip(edges, edges[1:], strict=False)):
        raise ArtifactError(f"{one['name']}: bins must rise and have points each")
    if one["part"] not in (APPLICATION, BEHAVIOUR) or not all(map(math.isfinite, edges)):
        raise ArtifactError(f"{one['name']}: unknown part or an edge that is no number")
    if min(*points, missing := _whole(one["missing_points"])) < 0:
        raise ArtifactError(f"{one['name']}: points below zero")
    reasons = (Reason(**one["reason"]), Reason(**one["missing_reason"]))
    return Characteristic(one["name"], one["part"], edges, points, missing, *reasons)


def _whole(number: Any) -> int:
    if type(number) is not int:
        raise ArtifactError(f"points are whole numbers, not {number!r}")
    return number


def _no_constant(name: str) -> float:
    raise ArtifactError(f"{name} is no value of a scorecard")


def _over(amount: float | None, payment: float) -> float | None:
    return None if amount is None else float(amount) / payment
