"""How a recipe does on texts it has not seen: places and equal texts are held out as a whole, calibration too."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from reports.classification.linear import LinearModel
from reports.classification.training.fitting import Lesson, Recipe, Vectors, calibration, certainty, fit
from reports.classification.training.measures import Judged
from reports.classification.training.samples import TOGETHER, Sample, groups

Label = Callable[[Sample], str | None]
Teach = Callable[[Sequence[Sample]], list[Lesson]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A question of the public sets. text: what the model is shown. teach: what may be learned from such samples.

    besides: lessons from elsewhere, the same in each fold. reference: figures of the baseline to beat, and where they
    come from. lean: None to guess the class with the greatest score; otherwise probabilities are brought to the shares
    of the classes, and the guess is the likeliest, rare ones favoured by this power of their shares. together: what
    texts share that are held out together.
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
    lean: float | None = None
    together: Collection[str] = TOGETHER
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Folded:
    """Of texts the model had not seen: scores, probabilities calibrated on the other folds, and what is true."""

    classes: tuple[str, ...]
    truth: np.ndarray
    scores: np.ndarray
    chances: np.ndarray
    fold: np.ndarray
    owners: np.ndarray

    def guesses(self, lean: float | None) -> tuple[np.ndarray, np.ndarray]:
        """The class of each text, and how likely it seems."""
        guess = np.empty(len(self.truth), np.int64)
        for fold in np.unique(self.fold):
            mine = self.fold == fold
            guess[mine] = _guessed(self.chances[mine], self.truth[~mine], lean)
        return guess, self.chances[np.arange(len(guess)), guess]

    def judged(self, lean: float | None) -> Judged:
        """With how often such guesses were right in the other folds as their probability."""
        guess, seems = self.guesses(lean)
        right, chance = guess == self.truth, np.empty(len(guess))
        for fold in np.unique(self.fold):
            mine = self.fold == fold
            chance[mine] = np.interp(seems[mine], *certainty(seems[~mine], right[~mine]))
        return Judged(self.classes, self.truth, guess, chance, self.owners)


def cross_validated(trial: Trial, vectors: Vectors, *, folds: int, seed: int) -> Judged:
    """Each text guessed by a model fitted without its fold, and calibrated on the guesses for the other folds."""
    return folded(trial, vectors, folds=folds, seed=seed).judged(trial.lean)


def folded(trial: Trial, vectors: Vectors, *, folds: int, seed: int) -> Folded:
    truth = np.array([str(trial.label(one)) for one in trial.samples])
    owners = groups(trial.samples, by=trial.together)
    classes = tuple(str(one) for one in np.unique(truth))
    scores, fold_of = np.empty((len(truth), len(classes)), np.float32), np.empty(len(truth), np.int64)
    splits = StratifiedGroupKFold(folds, shuffle=True, random_state=seed).split(truth, truth, owners)
    for fold, (learned, unseen) in enumerate(splits):
        model = fit(
            [*trial.teach([trial.samples[at] for at in learned.tolist()]), *trial.besides], trial.recipe, vectors
        )
        scores[unseen] = _scored(model, [trial.text(trial.samples[at]) for at in unseen.tolist()], classes)
        fold_of[unseen] = fold
    places = np.searchsorted(classes, truth)
    chances = np.empty_like(scores)
    for fold in range(folds):
        mine = fold_of == fold
        chances[mine] = _chances(
            scores[mine], *calibration(scores[~mine], places[~mine], shares=trial.lean is not None)
        )
    return Folded(classes, places, scores, chances, fold_of, owners)


def held_out(trial: Trial, vectors: Vectors, *, seed: int, most: tuple[int, int]) -> Judged:
    """For large sets: a fifth of the groups unseen, another fifth to calibrate on, the rest to learn from.

    most: texts to learn from, and texts to judge and to calibrate on; drawn where there are more.
    """
    owners = groups(trial.samples, by=trial.together)
    truth = np.array([trial.label(one) for one in trial.samples])
    rng = np.random.default_rng(seed)
    part = rng.integers(0, 5, owners.max() + 1)[owners]
    unseen, known, learned = (
        np.sort(rng.permutation(np.flatnonzero(rows))[:count])
        for rows, count in ((part == 0, most[1]), (part == 1, most[1]), (part >= 2, most[0]))
    )
    model = fit([*trial.teach([trial.samples[at] for at in learned.tolist()]), *trial.besides], trial.recipe, vectors)
    sides = []
    for side in (known, unseen):
        scores = _scored(model, [trial.text(trial.samples[at]) for at in side.tolist()], model.classes)
        sides.append((scores, np.searchsorted(model.classes, truth[side])))
    return _judged_by(*sides[0], *sides[1], model.classes, owners[unseen], trial.lean)


def transferred(trial: Trial, unseen: Sequence[Sample], vectors: Vectors, *, folds: int, seed: int) -> Judged:
    """Learned from the trial's samples, calibrated by folds among them, and judged on samples from elsewhere."""
    inside = folded(trial, vectors, folds=folds, seed=seed)
    model = fit([*trial.teach(trial.samples), *trial.besides], trial.recipe, vectors)
    classes = (*inside.classes, *sorted({str(trial.label(one)) for one in unseen} - {*inside.classes}))
    scores = _scored(model, [trial.text(one) for one in unseen], inside.classes)
    truth = np.array([classes.index(str(trial.label(one))) for one in unseen])
    return _judged_by(inside.scores, inside.truth, scores, truth, classes, groups(unseen), trial.lean)


def _judged_by(
    known: np.ndarray, known_truth: np.ndarray, scores: np.ndarray, truth: np.ndarray, classes: Sequence[str],
    owners: np.ndarray, lean: float | None,
) -> Judged:  # fmt: skip
    """Guesses for `scores`, with probabilities calibrated on the known side."""
    calibrations = calibration(known, known_truth, shares=lean is not None)
    sides = []
    for side in (known, scores):
        chances = _chances(side, *calibrations)
        guess = _guessed(chances, known_truth, lean)
        sides.append((guess, chances[np.arange(len(guess)), guess]))
    (known_guess, known_seems), (guess, seems) = sides
    chance = np.interp(seems, *certainty(known_seems, known_guess == known_truth))
    return Judged(tuple(classes), truth, guess, chance, owners)


def _guessed(chances: np.ndarray, known: np.ndarray, lean: float | None) -> np.ndarray:
    """known: truths from which the shares of the classes are taken."""
    shares = np.bincount(known, minlength=chances.shape[1]) + 0.5
    return (chances * shares ** -(lean or 0)).argmax(axis=1)


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
