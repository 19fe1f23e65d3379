"""How likely an earlier report is the original of a later one, from an artifact of plain JSON. Pure.

Two questions, each answered by boosted trees. Which of the earlier reports would it be: their scores, shared out over
them and over "none of these". Is the report a duplicate at all: from its best pairs, the place and its own words. The
probability of a pair is the product, calibrated to what the staff of a city marked as duplicates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from base.artifacts import ArtifactError, content_hash
from reports.duplicates import pairs
from reports.duplicates.pairs import Floats, Near
from reports.duplicates.sketch import SLOTS, Sketch
from reports.duplicates.trees import Trees

FORMAT = "duplicate-finder/1"


@dataclass(frozen=True, slots=True)
class Question:
    """A report and what is near it. others, categories: of the `near` ones, in their order; `seen`: `pairs.counts`."""

    own: Sketch
    category: str
    near: Near
    others: Sequence[Sketch]
    categories: Sequence[str]
    seen: Floats


@dataclass(frozen=True, slots=True)
class Answer:
    """probability: that the report is a duplicate at all. originals: of each of the near ones, that it is the original.

    They add up to less than `probability`: the original may not be among them.
    """

    probability: float
    originals: Floats


@dataclass(frozen=True, slots=True)
class Finder:
    """word_weights: by slot, the rarer the heavier. prior_weights: by slot and, last, the constant.

    flatness, none: scores are divided by the first before they are shared out; the second is the score of none of them.
    """

    version: str
    sha256: str
    word_weights: tuple[float, ...]
    prior_weights: Floats
    ranker: Trees
    detector: Trees
    flatness: float
    none: float
    suggest_from: float

    @classmethod
    def from_artifact(cls, artifact: Mapping[str, Any]) -> Finder:
        """Raises ArtifactError for another shape or a content that was changed."""
        if not isinstance(artifact, Mapping) or artifact.get("format") != FORMAT:
            raise ArtifactError(f"expected an artifact of format {FORMAT!r}")
        if artifact.get("sha256") != content_hash(artifact):
            raise ArtifactError("the content does not have the hash it was published with")
        try:
            found = cls(
                version=str(artifact["version"]),
                sha256=artifact["sha256"],
                word_weights=tuple(map(float, artifact["word_weights"])),
                prior_weights=np.array(artifact["prior_weights"], dtype=float),
                ranker=Trees.read(artifact["ranker"], pairs.OF_PAIR),
                detector=Trees.read(artifact["detector"], pairs.OF_REPORT),
                flatness=float(artifact["flatness"]),
                none=float(artifact["none"]),
                suggest_from=float(artifact["suggest_from"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ArtifactError(f"the artifact lacks its shape: {error!r}") from error
        if len(found.word_weights) != SLOTS or len(found.prior_weights) != SLOTS + 1 or found.flatness <= 0:
            raise ArtifactError("there is a weight for each slot, and flatness is above zero")
        return found

    def answer(self, questions: Sequence[Question]) -> list[Answer]:
        """All at once: a pass over the trees costs as much for many reports as for one."""
        values = [
            pairs.pair_values(one.own, one.others, one.near, np.array(one.categories), self.word_weights)
            for one in questions
        ]
        ends = np.cumsum([len(rows) for rows in values])
        together = np.concatenate(values) if values else np.empty((0, len(pairs.OF_PAIR)))
        scores = np.split(self.ranker.score(together), ends[:-1]) if values else []
        whole = [
            pairs.report_values(
                one.own, one.category, pairs.text_prior(one.own, self.prior_weights), rows, score, one.seen
            )
            for one, rows, score in zip(questions, values, scores, strict=True)
        ]
        odds = self.detector.score(np.array(whole)) if whole else np.empty(0)
        return [
            Answer(float(likely), likely * shares(score, self.flatness, self.none))
            for likely, score in zip(1 / (1 + np.exp(-odds)), scores, strict=True)
        ]


def shares(scores: Floats, flatness: float, none: float) -> Floats:
    """How a certain duplicate's probability is shared out over candidates; the rest is for none of them."""
    odds = np.append(scores, none) / flatness
    parts = np.exp(odds - odds.max())
    return (parts / parts.sum())[:-1]
