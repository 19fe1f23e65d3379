"""What was fitted, as the plain arrays of an artifact."""

from __future__ import annotations

from typing import Any

import numpy as np

from claims.judging.decision import LABELS
from claims.judging.forest import COLUMNS
from claims.judging.training.deciding import Rules
from claims.judging.training.validation import Fitted


def arrays_of(fitted: Fitted, rules: Rules) -> dict[str, np.ndarray]:
    stage, calibration = fitted.stage, fitted.calibration
    verdicts: Any = fitted.verdicts
    learnt = list(verdicts.classes_)
    mix = np.array([float(stage.words.intercept_[0]), *stage.mix[1:]])
    return {
        **forest("evidence", stage.evidence, [1]),
        **forest("polarity", stage.polarity, [1]),
        **forest("verdict", verdicts, [learnt.index(one) if one in learnt else -1 for one in LABELS]),
        "polarity_turns": stage.words.coef_[0].astype(np.float16),
        "polarity_mix": mix,
        "verdict_numbers": np.array([calibration.slope, rules.disputed]),
        "verdict_offsets": calibration.offsets.astype(np.float32),
        "verdict_leaning": rules.leaning.astype(np.float32),
        "verdict_line_said": rules.said.astype(np.float32),
        "verdict_line_right": rules.right.astype(np.float32),
    }  # fmt: skip


def forest(part: str, machine: Any, outputs: list[int]) -> dict[str, np.ndarray]:
    """The trees as columns of their nodes, one tree after another. outputs: places of classes; -1: not learnt."""
    roots: list[int] = []
    columns: dict[str, list[np.ndarray]] = {name: [] for name in COLUMNS}
    size = 0
    for one in machine.estimators_:
        tree = one.tree_
        roots.append(size)
        here, leaf = np.arange(tree.node_count), tree.children_left < 0
        chances = tree.value[:, 0, :] / tree.value[:, 0, :].sum(axis=1, keepdims=True)
        value = np.stack([chances[:, at] if at >= 0 else np.zeros(len(here)) for at in outputs], axis=1)
        columns["feature"].append(np.where(leaf, 0, tree.feature).astype(np.int16))
        # Inputs are single numbers: the threshold is rounded down so that both sides stay where they were.
        columns["threshold"].append(_below(np.where(leaf, 0, tree.threshold)))
        columns["left"].append(np.where(leaf, 0, tree.children_left - here).astype(np.int16))
        columns["right"].append(np.where(leaf, 0, tree.children_right - here).astype(np.int16))
        columns["value"].append(np.where(leaf[:, None], value, 0).astype(np.float16))
        size += tree.node_count
    return {f"{part}_roots": np.array(roots, np.int32)} | {
        f"{part}_{name}": np.concatenate(found) for name, found in columns.items()
    }


def _below(found: np.ndarray) -> np.ndarray:
    single = found.astype(np.float32)
    return np.where(single > found, np.nextafter(single, np.float32(-np.inf)), single).astype(np.float32)
