"""The last stage: one verdict of what all sentences say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from claims.judging.gathering import Weighed, gather
from claims.judging.published import reader
from claims.judging.reader import Reader
from claims.judging.stances import DISPUTED, NOT_ENOUGH_INFO, REFUTED, SUPPORTED, Stance

LABELS = (SUPPORTED, REFUTED, NOT_ENOUGH_INFO, DISPUTED)
MOST = 3  # sentences that a verdict names on a side
NEARLY = 0.5  # a sentence decides too that says at least this share of what the best one says


@dataclass(frozen=True, slots=True)
class Decision:
    """confidence: the calibrated chance that the label is right. deciding: places of the stances it stands on."""

    label: str
    confidence: float
    probabilities: Mapping[str, float]
    deciding: Sequence[int]


def aggregate(stances: Sequence[Stance]) -> Decision:
    """Without evidence there is not enough of it, for certain; good evidence on both sides is a dispute."""
    return decided(stances, reader())


def decided(stances: Sequence[Stance], model: Reader) -> Decision:
    if not stances:
        return Decision(NOT_ENOUGH_INFO, 1.0, dict.fromkeys(LABELS, 0.0) | {NOT_ENOUGH_INFO: 1.0}, ())
    shares = model.verdicts.chances(gather(weighed(stances)))
    sides = [np.array([strength(one, side) for one in stances]) for side in (SUPPORTED, REFUTED)]
    probabilities = dict(zip(LABELS, map(float, shares), strict=True))
    if min(float(side.max()) for side in sides) >= model.verdicts.disputed:
        # No single label is likely where both sides stand: their chances are those of a dispute.
        probabilities = {NOT_ENOUGH_INFO: probabilities[NOT_ENOUGH_INFO], SUPPORTED: 0.0, REFUTED: 0.0}
        probabilities[DISPUTED] = 1 - probabilities[NOT_ENOUGH_INFO]
    leaning = dict(zip(LABELS, model.verdicts.leaning.tolist(), strict=True))
    label = max(LABELS, key=lambda one: probabilities[one] * leaning[one])
    return Decision(label, model.verdicts.certainty(probabilities[label]), probabilities, deciding(sides, label))


def strength(one: Stance, side: str) -> float:
    """What a sentence brings to a side: nothing if it is rather on the other."""
    if (one.polarity > 0) != (side == SUPPORTED):
        return 0.0
    return one.probabilities[side] * one.candidate.document_chance


def weighed(stances: Sequence[Stance]) -> Weighed:
    held: dict[str, float] = {}
    for one in stances:
        held.update(one.holds)
    return Weighed(
        evidence=np.array([1 - one.probabilities[NOT_ENOUGH_INFO] for one in stances], np.float32),
        polarity=np.array([one.polarity for one in stances], np.float32),
        turned=np.array([one.turned for one in stances], np.float32),
        documents=np.array([one.candidate.document_chance for one in stances], np.float32),
        rows=np.array([one.row for one in stances], np.float32),
        covered=sum(held.values()) / (stances[0].asked or 1.0),
    )


def deciding(sides: Sequence[np.ndarray], label: str) -> list[int]:
    """The sentences that a label stands on, strongest first; none for what lacks evidence."""
    wanted = {SUPPORTED: sides[:1], REFUTED: sides[1:], DISPUTED: sides}.get(label, ())
    found: list[int] = []
    for side in wanted:
        best = np.argsort(-side, kind="stable")[:MOST]
        found += [int(at) for at in best if side[at] > 0 and side[at] >= NEARLY * side[best[0]]]
    return found
