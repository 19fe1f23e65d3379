"""Word vectors from texts without labels: words that stand near the same words get similar ones.

Positive pointwise mutual information within a window, then a truncated singular value decomposition, with contexts
smoothed (.75) and the square root of the singular values, as O. Levy, Y. Goldberg and I. Dagan found best: Improving
Distributional Similarity with Lessons Learned from Word Embeddings (2015).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

import numpy as np
from scipy import sparse
from sklearn.utils.extmath import randomized_svd

from reports.classification.text import words_of
from reports.classification.training.samples import Sample, holder

WINDOW = 5
SMOOTHING = 0.75
LEAST, CITIES = 8, 2  # places, and their cities, whose texts a word is in


def word_vectors(
    samples: Sequence[Sample], *, without: Collection[str] = (), size: int = 150, seed: int = 1
) -> dict[str, np.ndarray]:
    """Vectors of length one, of words that stand in texts of several places and cities. without: words left out."""
    split = [words_of(one.text) for one in samples]
    held = {(word, holder(one)) for one, words in zip(samples, split, strict=True) for word in words}
    counts = Counter(word for word, _ in held)
    cities = Counter(word for word, _ in {(word, city) for word, (city, _) in held})
    names = sorted(
        word for word, count in counts.items() if count >= LEAST and cities[word] >= CITIES and word not in without
    )
    if len(names) <= size:
        return {}
    places = {name: place for place, name in enumerate(names)}
    near = _near(split, places)
    left, values, _ = randomized_svd(_informative(near), size, n_iter=3, random_state=seed)
    vectors = left * np.sqrt(values)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return dict(zip(names, vectors.astype(np.float32), strict=True))


def _near(split: Sequence[Sequence[str]], places: dict[str, int]) -> sparse.csr_matrix:
    """How often two words stand within the window of one text."""
    numbers, owners = [], []
    for owner, words in enumerate(split):
        found = [places[word] for word in words if word in places]
        numbers.extend(found)
        owners.extend([owner] * len(found))
    word, text = np.array(numbers, np.int32), np.array(owners, np.int32)
    total = sparse.csr_matrix((len(places), len(places)), dtype=np.float32)
    for step in range(1, WINDOW + 1):
        same = text[:-step] == text[step:]
        one, other = word[:-step][same], word[step:][same]
        shape = (len(places), len(places))
        total = total + sparse.csr_matrix((np.full(len(one), 1 / step, np.float32), (one, other)), shape=shape)
    return (total + total.T).tocsr()


def _informative(near: sparse.csr_matrix) -> sparse.csr_matrix:
    """Positive pointwise mutual information."""
    found = near.tocoo()
    of_word = np.asarray(near.sum(axis=1)).ravel()
    of_context = of_word**SMOOTHING
    expected = of_word[found.row] * of_context[found.col] / of_context.sum()
    information = np.log(np.maximum(found.data, 1e-12) / np.maximum(expected, 1e-12))
    kept = information > 0
    return sparse.csr_matrix((information[kept], (found.row[kept], found.col[kept])), shape=near.shape)
