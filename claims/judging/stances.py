"""The third stage: what each sentence says of the claim."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from claims.judging.published import reader
from claims.judging.reader import Reader, chance
from claims.reading.parsed import Parsed

if TYPE_CHECKING:
    from claims.retrieval.ranking import Candidate

SUPPORTED, REFUTED, DISPUTED, NOT_ENOUGH_INFO = "SUPPORTED", "REFUTED", "DISPUTED", "NOT_ENOUGH_INFO"


@dataclass(frozen=True, slots=True)
class Stance:
    """probabilities: that the sentence supports or refutes the claim, or is no evidence. polarity, turned: log-odds of
    support over refutation, all in all and by words alone. row: the numbers of reading.pairs. holds: which of the
    claim's words the sentence or its document has, with what each weighs."""

    candidate: Candidate
    probabilities: Mapping[str, float]
    polarity: float
    turned: float
    row: NDArray[np.float32] = field(repr=False)
    holds: Mapping[str, float] = field(repr=False)
    asked: float


def judge(text: str, candidates: Sequence[Candidate]) -> list[Stance]:
    """A stance for each candidate, in the same order."""
    return stances_of(text, candidates, reader())


def stances_of(text: str, candidates: Sequence[Candidate], model: Reader) -> list[Stance]:
    if not candidates:
        return []
    claim = Parsed(text, model.lexicon)
    said = [Parsed(one.text, model.lexicon) for one in candidates]
    contexts = [one.context or frozenset(parsed.stems) for one, parsed in zip(candidates, said, strict=True)]
    rows = model.rows(claim, said, contexts, [one.place for one in candidates])
    evidence = model.evidence_chances(rows)
    turned = np.array([model.polarity.turned(claim, one) for one in said], np.float32)
    polarity = model.polarity.score(rows, turned)
    weights = dict(zip(claim.stems, claim.rarities, strict=True))
    total = sum(claim.rarities)
    return [
        Stance(
            candidate=one,
            probabilities=_shares(float(evidence[at]), float(chance(polarity[at]))),
            polarity=float(polarity[at]),
            turned=float(turned[at]),
            row=rows[at],
            holds={stem: weight for stem, weight in weights.items() if stem in contexts[at]},
            asked=total,
        )
        for at, one in enumerate(candidates)
    ]


def _shares(evidence: float, supports: float) -> dict[str, float]:
    support, refutation = evidence * supports, evidence * (1 - supports)
    return {SUPPORTED: support, REFUTED: refutation, NOT_ENOUGH_INFO: 1 - support - refutation}
