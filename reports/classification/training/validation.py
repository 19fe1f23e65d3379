"""How a recipe does on texts it has not seen: places and equal texts are held out as a whole, calibration too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from reports.classification.linear import LinearModel
from reports.classification.training.fitting import Lesson, Recipe, Vectors, calibration, fit
from reports.classification.training.measures import Judged
from reports.classification.training.samples import Sample, groups

Label = Callable[[Sample], str | None]
Teach = Callable[[Sequence[Sample]], list[Lesson]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A question of the public sets. text: what the model is shown. teach: what may be learned from such samples.

    besides: lessons from elsewhere, the same in each fold. reference: figures of the baseline to beat, and where they
    come from. by_score: guess the class with the greatest score, which favours rare classes, rather than the
    likeliest one; the probability is that of the guess.
    """

    name: str
    title: str
    samples: Sequence[Sample]
    label: Label
    teach: Teach
    recipe: Recipe
    besides: Sequence[Lesson] = ()
    text: Callable[[Sample], str] = lambda one: one.text
    reference: dict[str, float]
    by_score: bool = True
    notes: Sequence[str] = ()


def cross_validated(trial: Trial, vectors: Vectors, *, folds: int, seed: int) -> Judged:
    """Each text guessed by a model fitted without its fold, and calibrated on the guesses for the other folds."""
    scores, chances, places, classes, owners = fold_scores(trial, vectors, folds=folds, seed=seed)
    return judged_of(classes, places, scores, chances, owners, by_score=trial.by_score)


def fold_scores(
    trial: Trial, vectors: Vectors, *, folds: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, tuple[str, ...], np.ndarray]:
    """Of texts the model had not seen: scores, calibrated probabilities, true places, classes, groups."""
    truth = np.array([str(trial.label(one)) for one in trial.samples])
    owners = groups(trial.samples)
    classes = tuple(str(one) for one in np.unique(truth))
    scores, fold_of = np.empty((len(truth), len(classes)), np.float32), np.empty(len(truth), np.int64)
    splits = StratifiedGroupKFold(folds, shuffle=True, random_state=seed).split(truth, truth, owners)
    for fold, (learned, unseen) in enumerate(splits):
        model = fit([*trial.teach([trial.samples[at] for at in learned]), *trial.besides], trial.recipe, vectors)
        scores[unseen] = _scored(model, [trial.text(trial.samples[at]) for at in unseen], classes)
        fold_of[unseen] = fold
    places = np.searchsorted(classes, truth)
    chances = np.empty_like(scores)
    for fold in range(folds):
        mine = fold_of == fold
        chances[mine] = _chances(scores[mine], *calibration(scores[~mine], places[~mine]))
    return scores, chances, places, classes, owners


def held_out(trial: Trial, vectors: Vectors, *, seed: int, most: int) -> Judged:
    """For large sets: a fifth of the groups unseen, another fifth to calibrate on, at most so many texts to learn."""
    owners = groups(trial.samples)
    truth = np.array([trial.label(one) for one in trial.samples])
    rng = np.random.default_rng(seed)
    part = rng.integers(0, 5, owners.max() + 1)[owners]
    learned = np.flatnonzero(part >= 2)
    learned = np.sort(rng.choice(learned, min(most, len(learned)), replace=False))
    model = fit([*trial.teach([trial.samples[at] for at in learned]), *trial.besides], trial.recipe, vectors)
    classes = model.classes
    sides = [np.flatnonzero(part == side) for side in (0, 1)]
    scored = [_scored(model, [trial.text(trial.samples[at]) for at in side], classes) for side in sides]
    places = [np.searchsorted(classes, truth[side]) for side in sides]
    chances = _chances(scored[0], *calibration(scored[1], places[1]))
    return judged_of(classes, places[0], scored[0], chances, owners[sides[0]], by_score=trial.by_score)


def transferred(trial: Trial, unseen: Sequence[Sample], vectors: Vectors, *, folds: int, seed: int) -> Judged:
    """Learned from the trial's samples, calibrated by folds among them, and judged on samples from elsewhere."""
    inside, _, places, own_classes, _ = fold_scores(trial, vectors, folds=folds, seed=seed)
    model = fit([*trial.teach(trial.samples), *trial.besides], trial.recipe, vectors)
    slope, offsets = calibration(inside, places)
    truth = [trial.label(one) for one in unseen]
    classes = tuple(sorted({*own_classes, *(one for one in truth if one)}))
    own = _scored(model, [trial.text(one) for one in unseen], own_classes)
    chances = np.zeros((len(unseen), len(classes)), np.float32)
    scores = np.full((len(unseen), len(classes)), -99, np.float32)
    at = np.searchsorted(classes, own_classes)
    chances[:, at], scores[:, at] = _chances(own, slope, offsets), own
    places = np.searchsorted(classes, [str(one) for one in truth])
    return judged_of(classes, places, scores, chances, groups(unseen), by_score=trial.by_score)


def _scored(model: LinearModel, texts: Sequence[str], classes: Sequence[str]) -> np.ndarray:
    """Scores in the order of `classes`; one the model does not know is out of the question."""
    found = np.full((len(texts), len(classes)), -9, np.float32)
    known = [place for place, one in enumerate(model.classes) if one in classes]
    found[:, [list(classes).index(model.classes[place]) for place in known]] = model.scores(texts)[:, known]
    return found


def _chances(scores: np.ndarray, slope: float, offsets: np.ndarray) -> np.ndarray:
    odds = slope * scores + offsets
    raised = np.exp(odds - odds.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def judged_of(
    classes: Sequence[str], truth: Any, scores: Any, chances: Any, owners: Any, *, by_score: bool
) -> Judged:  # fmt: skip
    guess = (scores if by_score else chances).argmax(axis=1)
    return Judged(tuple(classes), truth, guess, chances[np.arange(len(guess)), guess], owners)
