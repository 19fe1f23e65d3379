"""Fit a linear model to labelled texts, rare classes weighted up: one against the rest by squared hinge loss, and
the log-odds of a logistic regression added to that where a recipe says so. The sum is one linear model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse
from scipy.optimize import minimize
from scipy.special import logsumexp
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from reports.classification.linear import LinearModel
from reports.classification.training.terms import Holder, Terms, terms_of

Vectors = Mapping[str, np.ndarray]
STEPS = 25  # of the line from what seemed likely to what was right


class TooFewTexts(ValueError):
    """There are not two classes to tell apart."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """A text, what it is, and how much it counts. holder: whose text it is, by city."""

    text: str
    label: str
    weight: float = 1.0
    holder: Holder | None = None


@dataclass(frozen=True, slots=True)
class Recipe:
    """strength: of the fit, against its penalty. logistic: how much of the log-odds is added. rarity: 0 weighs all the
    same, 1 all classes. vectors: how much a word's vector counts beside the word. word_in, piece_in, cities: how many
    texts, or holders of texts, a term must have, and of how many cities. without: words that no term has."""

    strength: float = 0.3
    logistic: float = 0.0
    rarity: float = 0.5
    vectors: float = 1.0
    word_in: int = 2
    piece_in: int = 3
    cities: int = 1
    without: frozenset[str] = frozenset()
    seed: int = 1


def fit(lessons: Sequence[Lesson], recipe: Recipe, vectors: Vectors) -> LinearModel:
    """Uncalibrated. Word vectors are folded into the weights, so that serving knows only words. Raises TooFewTexts."""
    labels = np.array([one.label for one in lessons])
    classes, places = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        raise TooFewTexts("There are not two classes to tell apart")
    terms, design, folded = prepared(lessons, recipe, vectors)
    weights = np.array([one.weight for one in lessons], np.float64)
    rare = np.bincount(places, weights) ** -recipe.rarity
    weights = weights * rare[places]
    weights *= len(weights) / weights.sum()
    rows, bias = _planes(LinearSVC(C=recipe.strength, tol=1e-2, random_state=recipe.seed, max_iter=1000).fit(
        design, labels, weights))  # fmt: skip
    if recipe.logistic:
        more, much = _planes(LogisticRegression(tol=1e-2, max_iter=80).fit(design, labels, weights))
        rows, bias = rows + recipe.logistic * more, bias + recipe.logistic * much
    return LinearModel(
        tuple(str(one) for one in classes), tuple(terms.places), terms.values.astype(np.float32),
        folded_weights(rows, folded).astype(np.float16).astype(np.float32), bias.astype(np.float32),
    )  # fmt: skip


def _planes(machine: Any) -> tuple[np.ndarray, np.ndarray]:
    """Weights and bias of each class, of two as of more."""
    rows, bias = machine.coef_, np.atleast_1d(machine.intercept_)
    return (rows, bias) if len(rows) > 1 else (np.vstack([-rows[0], rows[0]]), np.array([-bias[0], bias[0]]))


def prepared(lessons: Sequence[Lesson], recipe: Recipe, vectors: Vectors) -> tuple[Terms, Any, np.ndarray | None]:
    """The terms, the texts as a matrix of them and of word vectors, and the vectors by term."""
    texts = [one.text for one in lessons]
    holders = [one.holder or (number, number) for number, one in enumerate(lessons)]
    terms = terms_of(
        texts, holders, also=vectors, word_in=recipe.word_in, piece_in=recipe.piece_in, cities=recipe.cities,
        without=recipe.without,
    )  # fmt: skip
    design = terms.matrix(texts)
    if not vectors or not recipe.vectors:
        return terms, design, None
    folded = np.zeros((len(terms.places), len(next(iter(vectors.values())))), np.float32)
    for word, vector in vectors.items():
        folded[terms.places[word]] = recipe.vectors * vector
    return terms, sparse.hstack([design, sparse.csr_matrix(design @ folded)]).tocsr(), folded


def folded_weights(rows: np.ndarray, folded: np.ndarray | None) -> np.ndarray:
    """Weights by term and class from those of terms and vectors."""
    if folded is None:
        return rows.T
    return rows[:, : len(folded)].T + folded @ rows[:, len(folded) :].T


def calibrated(model: LinearModel, scores: np.ndarray, truth: Sequence[str], *, shares: bool) -> LinearModel:
    """With slope and offsets that make these scores of unseen texts the likeliest probabilities of what is true."""
    slope, offsets = calibration(scores, [model.classes.index(one) for one in truth], shares=shares)
    return replace(model, slope=slope, offsets=offsets)


def certainty(chances: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How often guesses were right by how likely they seemed: points of a line that never falls."""
    order = np.argsort(chances, kind="stable")
    parts = np.array_split(order, max(1, min(STEPS, len(order) // 50)))
    said = np.array([chances[part].mean() for part in parts])
    shares = IsotonicRegression().fit_transform(np.arange(len(parts)), [right[part].mean() for part in parts])
    return said, shares


def calibration(scores: np.ndarray, truth: Sequence[int] | np.ndarray, *, shares: bool) -> tuple[float, np.ndarray]:
    """shares: bring the classes to their shares by offsets, pulled towards 0 for classes that are rarely seen."""
    rows, right = scores.astype(np.float64), np.asarray(truth)
    seen = np.eye(rows.shape[1])[right]

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        slope, offsets = np.exp(parameters[0]), parameters[1:]
        odds = slope * rows + offsets
        total = logsumexp(odds, axis=1)
        off = np.exp(odds - total[:, None]) - seen
        value = (total - odds[np.arange(len(rows)), right]).sum() + offsets @ offsets / 2
        return value, np.concatenate([[slope * (off * rows).sum()], (off.sum(axis=0) + offsets) * shares])

    found = minimize(loss, np.zeros(rows.shape[1] + 1), jac=True, method="L-BFGS-B")
    return float(np.exp(found.x[0])), found.x[1:].astype(np.float32)
