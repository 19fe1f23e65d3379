"""A claim beside a document, as numbers: how much of it the document speaks of, and where. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from claims.reading.parsed import Parsed

FEATURES = (
    "of_best", "of_possible", "by_rank", "behind_best", "in_title", "in_one_sentence", "in_two_sentences", "in_three",
    "mean_sentence", "covered", "rarest_missing", "pairs_in_one", "pairs", "names", "numbers", "meaning",
    "meaning_of_title", "meaning_of_sentence", "words",
)  # fmt: skip


def compare(
    claim: Parsed, documents: Sequence[tuple[Parsed, Sequence[Parsed]]], scores: Sequence[float]
) -> NDArray[np.float32]:
    """A row of FEATURES for each document, a title and sentences. scores: by BM25, in the same order, best first."""
    stems = list(dict.fromkeys(claim.stems))
    rarities = dict(zip(claim.stems, claim.rarities, strict=True))
    weights = np.array([rarities[stem] for stem in stems])
    total, best = float(weights.sum()) or 1.0, max(scores, default=0.0) or 1.0
    rows = [
        [
            score / best,
            score / total,
            1 / (1 + rank),
            (best - score) / 10,
            *_of_text(claim, stems, weights, title, said),
        ]
        for rank, ((title, said), score) in enumerate(zip(documents, scores, strict=True))
    ]
    return np.array(rows, np.float32).reshape(len(rows), len(FEATURES))


def _of_text(
    claim: Parsed, stems: Sequence[str], weights: NDArray[np.float64], title: Parsed, sentences: Sequence[Parsed]
) -> list[float]:
    parts = [title, *sentences]
    total = float(weights.sum()) or 1.0
    holds = np.array([[stem in part.places for stem in stems] for part in parts]).reshape(len(parts), len(stems))
    shares = holds @ weights / total
    best = holds[int(shares.argmax())]
    whole = holds.any(axis=0)
    names = {word.stem for word in claim.content if word.is_name}
    numbers = set(claim.numbers)
    pairs = [claim.pairs & part.pairs for part in parts]
    weighed = [part.mean for part in parts]
    centre = np.sum(weighed, axis=0)
    length = float(centre @ centre) ** 0.5 or 1.0
    return [
        float(shares[0]),
        float(shares.max()),
        float(((holds | best) @ weights).max() / total),
        float(np.sort(shares)[-3:].mean()),
        float(shares.mean()),
        float(whole @ weights / total),
        float((weights * ~whole).max(initial=0.0)),
        max(map(len, pairs)) / max(1, len(claim.pairs)),
        len(set().union(*pairs)) / max(1, len(claim.pairs)),
        sum(any(name in part.places for part in parts) for name in names) / max(1, len(names)),
        sum(any(number in part.numbers for part in parts) for number in numbers) / max(1, len(numbers)),
        float(claim.centre @ centre) / length,
        float(claim.centre @ title.centre),
        max((float(claim.centre @ part.centre) for part in parts), default=0.0),
        math.log1p(sum(part.length for part in parts)),
    ]
