"""A claim beside a sentence, as numbers: what of the claim the sentence says, and what turns it round. Pure."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from claims.reading.parsed import Parsed

NEAR = 4  # words between a negation and what it is about
ALIKE = 0.55  # from this similarity of vectors on two words may stand for each other

FEATURES = (
    "coverage", "soft_coverage", "context_coverage", "rarest_missing", "missing", "missing_names", "names_covered",
    "numbers_missing", "numbers_covered", "numbers_instead", "pairs_covered", "longest_run", "spread", "in_order",
    "said_share", "pieces", "meaning", "words", "claim_words", "negated_once", "negated_both", "negated_near",
    "hedged_once", "same_direction", "other_direction", "direction_missing", "alike_missing", "names_instead",
    "percent_once", "place",
)  # fmt: skip


def compare(claim: Parsed, said: Parsed, context: frozenset[str] = frozenset(), *, place: float = 0.0) -> list[float]:
    """The numbers of FEATURES. context: stems of the whole document. place: of the sentence in it, 0 to 1."""
    if not claim.stems:
        return [0.0] * len(FEATURES)
    here = said.places
    has = [stem in here for stem in claim.stems]
    weights = claim.rarity.tolist()
    total = sum(weights) or 1.0
    alike = _alike(claim, said)
    missing = [0.0 if there else weight for there, weight in zip(has, weights, strict=True)]
    names = [word.is_name for word in claim.content]
    matched = [here[stem][0] for stem in dict.fromkeys(claim.stems) if stem in here]
    numbers, said_numbers = set(claim.numbers), set(said.numbers)
    shared = numbers & said_numbers
    same, other, without = _directions(claim, said)
    negated, denied = len(claim.negations) % 2, len(said.negations) % 2
    soft = sum(
        weight * (1.0 if there else like if like >= ALIKE else 0.0)
        for weight, there, like in zip(weights, has, alike, strict=True)
    )
    stands_in = [weight for weight, like in zip(missing, alike, strict=True) if like >= ALIKE]
    said_weight = sum(weight for stem, weight in zip(said.stems, said.rarities, strict=True) if stem in claim.places)
    return [
        1 - sum(missing) / total,
        soft / total,
        sum(weight for stem, weight in zip(claim.stems, weights, strict=True) if stem in context) / total,
        max(missing),
        float(has.count(False)),
        float(sum(name and not there for name, there in zip(names, has, strict=True))),
        sum(weight for weight, name, there in zip(weights, names, has, strict=True) if name and there) / total,
        float(len(numbers - shared)),
        float(len(shared)),
        float(min(len(numbers - shared), len(said_numbers - numbers))),
        len(claim.pairs & said.pairs) / len(claim.pairs) if claim.pairs else 0.0,
        _longest_run(claim, said) / len(claim.stems),
        (max(matched) - min(matched)) / max(1, said.length) if len(matched) > 1 else 0.0,
        sum(a < b for a, b in zip(matched, matched[1:], strict=False)) / max(1, len(matched) - 1),
        said_weight / (said.weight or 1.0),
        len(claim.pieces & said.pieces) / math.sqrt(max(1, len(claim.pieces)) * max(1, len(said.pieces))),
        float(claim.centre @ said.centre),
        math.log1p(said.length),
        math.log1p(claim.length),
        float(negated != denied),
        float(negated and denied),
        _negated_near(claim, said),
        float((claim.hedges > 0) != (said.hedges > 0)),
        same,
        other,
        without,
        max(stands_in, default=0.0),
        len(said.names - set(claim.stems)) / max(1, len(said.stems)) if any(names) else 0.0,
        float(claim.percent != said.percent),
        place,
    ]


def _alike(claim: Parsed, said: Parsed) -> list[float]:
    """For each word of the claim the similarity of the likest word of the sentence."""
    if not said.stems:
        return [0.0] * len(claim.stems)
    best: NDArray[np.float32] = (claim.vectors @ said.vectors.T).max(axis=1)
    return best.tolist()


def _longest_run(claim: Parsed, said: Parsed) -> int:
    """Words of content that follow each other in both."""
    there: dict[str, list[int]] = {}
    for at, stem in enumerate(said.stems):
        there.setdefault(stem, []).append(at)
    best = 0
    before: dict[int, int] = {}
    for stem in claim.stems:
        before = {at: before.get(at - 1, 0) + 1 for at in there.get(stem, ())}
        best = max(best, *before.values()) if before else best
    return best


def _directions(claim: Parsed, said: Parsed) -> tuple[float, float, float]:
    """How far the words for more and less agree, and disagree, where both texts speak of the same; and are missing.

    Each is turned round by a negation beside it, and counts by how near it is to words that both texts share.
    """
    if not claim.directions:
        return 0.0, 0.0, 0.0
    if not said.directions:
        return 0.0, 0.0, float(len(claim.directions))
    same = other = 0.0
    anchors = [at for stem in set(claim.stems) for at in said.places.get(stem, ()) if at not in said.directions]
    ways = [
        (-way if _denied(at, said) else way, 1.0 / (1 + min((abs(at - one) for one in anchors), default=9)))
        for at, way in said.directions.items()
    ]
    for at, way in claim.directions.items():
        way = -way if _denied(at, claim) else way
        same += max((near for other_way, near in ways if other_way == way), default=0.0)
        other += max((near for other_way, near in ways if other_way != way), default=0.0)
    return same, other, 0.0


def _denied(at: int, text: Parsed) -> bool:
    return any(0 < at - word.at <= NEAR for word in text.negations)


def _negated_near(claim: Parsed, said: Parsed) -> float:
    """The share of the words of both texts with a negation before them in one alone."""
    shared = {stem for stem in claim.stems if stem in said.places}
    if not shared or not (claim.negations or said.negations):
        return 0.0
    in_claim, in_said = (
        {stem for stem in shared if any(_denied(at, text) for at in text.places[stem])} for text in (claim, said)
    )
    return len(in_claim ^ in_said) / len(shared)
