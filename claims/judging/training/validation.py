"""How well the judge does on claims that it has not seen: each fold by what was fitted to the others alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from claims.judging.decision import LABELS
from claims.judging.training import fitting
from claims.judging.training.fitting import Calibration, Recipe, Sentences
from claims.judging.training.table import Table


@dataclass(frozen=True)
class Fitted:
    """All that was learnt from some cases."""

    stage: fitting.Stage
    verdicts: object
    calibration: Calibration

    def chances(self, inputs: np.ndarray) -> np.ndarray:
        return self.calibration.chances(fitting.shares(self.verdicts, inputs))


@dataclass(frozen=True)
class Unseen:
    """What was said of each case by models that had not seen it: chances by LABELS, and of its sentences."""

    chances: np.ndarray
    sentences: Sentences


def fit(table: Table, cases: np.ndarray, groups: np.ndarray, recipe: Recipe) -> Fitted:
    """groups: a number for each case's group, by which they are parted inside."""
    inner = groups % recipe.inner
    said = fitting.inside(table, cases, inner, recipe)
    inputs = np.array([fitting.gathered(table, said, case) for case in cases.tolist()])
    labels = np.array([table.cases[case].label for case in cases.tolist()])
    weights = fitting.set_weights(table, cases.tolist())
    held = np.zeros((len(cases), len(LABELS)))
    for number in range(recipe.inner):
        own = inner[cases] == number
        machine = fitting.fit_verdicts(inputs[~own], labels[~own], weights[~own], recipe)
        held[own] = fitting.shares(machine, inputs[own])
    calibration = fitting.calibrate(held, labels, weights)
    marked = np.flatnonzero(np.isin(table.of, cases) & (table.labels != ""))
    return Fitted(
        fitting.fit_sentences(table, marked, recipe), fitting.fit_verdicts(inputs, labels, weights, recipe),
        calibration,
    )  # fmt: skip


def cross_validated(
    table: Table, fold: np.ndarray, groups: np.ndarray, recipe: Recipe, say: Callable[[str], None]
) -> Unseen:
    size = len(table.of)
    found = Sentences(np.zeros(size), np.zeros(size), np.zeros(size))
    chances = np.zeros((len(table.cases), len(LABELS)))
    for number in range(int(fold.max()) + 1):
        fitted = fit(table, np.flatnonzero(fold != number), groups, recipe)
        own = np.flatnonzero(fold == number)
        rows = np.flatnonzero(np.isin(table.of, own))
        fitting.put(found, fitted.stage.read(table, rows), rows)
        inputs = np.array([fitting.gathered(table, found, case) for case in own.tolist()])
        chances[own] = fitted.chances(inputs)
        say(f"fold {number + 1} of {int(fold.max()) + 1} judged")
    return Unseen(chances, found)
