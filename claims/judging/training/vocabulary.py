"""How rare words are and what they are used like, from the texts of the sets; no label is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from scipy import sparse
from sklearn.decomposition import TruncatedSVD

from claims.reading.words import words_of

NEIGHBOURS = 6  # words further apart say nothing of each other
SMOOTHING = 0.75  # of how often a neighbour comes up at all


def learn(texts: Sequence[str], *, dimensions: int = 96, least: int = 4, seed: int = 1) -> dict[str, np.ndarray]:
    """Arrays of the lexicon. least: texts that a word must be in.

    Positive pointwise mutual information of neighbours, its largest dimensions: Levy, Goldberg and Dagan (2015).
    """
    said = [[word.stem for word in words_of(text) if word.is_content and word.value is None] for text in texts]
    holding = Counter(stem for stems in said for stem in set(stems))
    stems = sorted(stem for stem, count in holding.items() if count >= least)
    counts = np.array([holding[stem] for stem in stems])
    rarity = np.log(1 + (len(said) - counts + 0.5) / (counts + 0.5))
    vectors = _vectors(said, stems, min(dimensions, max(2, len(stems) - 1)), seed)
    return {
        "words_stems": np.frombuffer("\n".join(stems).encode(), np.uint8),
        "words_rarity": rarity.astype(np.float16),
        "words_vectors": np.round(vectors * 127).astype(np.int8),
        "words_unknown": np.array([float(rarity.max()) + 0.3], np.float32),
    }


def _vectors(said: Sequence[Sequence[str]], stems: Sequence[str], dimensions: int, seed: int) -> np.ndarray:
    place = {stem: at for at, stem in enumerate(stems)}
    rows: list[int] = []
    columns: list[int] = []
    near: list[float] = []
    for text in said:
        known = [place.get(stem, -1) for stem in text]
        for at, one in enumerate(known):
            for away, other in enumerate(known[at + 1 : at + 1 + NEIGHBOURS], 1):
                if one >= 0 and other >= 0 and one != other:
                    rows.append(one)
                    columns.append(other)
                    near.append(away**-0.5)
    half = sparse.csr_matrix((near, (rows, columns)), shape=(len(stems), len(stems)))
    counts = (half + half.T).tocoo()
    each = np.asarray(counts.sum(axis=1)).ravel()
    around = each**SMOOTHING / (each**SMOOTHING).sum()
    information = np.log(counts.data / (each[counts.row] * around[counts.col]))
    kept = information > 0
    positive = sparse.csr_matrix((information[kept], (counts.row[kept], counts.col[kept])), shape=counts.shape)
    largest = TruncatedSVD(dimensions, random_state=seed, n_iter=4)
    vectors = largest.fit_transform(positive) / np.sqrt(largest.singular_values_ + 1e-9)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
