"""Boosted trees as plain numbers: read from JSON, walked for many rows at once. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
CHUNK = 128  # rows whose walk stays in the processor's cache


@dataclass(frozen=True, slots=True)
class Trees:
    """All trees' nodes in one row of arrays. A leaf leads to itself; `value` is what it adds to `base`."""

    base: float
    roots: Ints
    depth: int
    feature: Ints
    threshold: Floats
    left: Ints
    right: Ints
    value: Floats

    @classmethod
    def read(cls, found: Mapping[str, Any], inputs: Sequence[str]) -> Trees:
        """Raises ValueError for nodes that lead astray, or other inputs than these."""
        if tuple(found["inputs"]) != tuple(inputs):
            raise ValueError("the trees ask for other inputs")
        columns = {name: np.array(found[name]) for name in ("feature", "threshold", "left", "right", "value")}
        roots = np.array(found["roots"], dtype=np.int64)
        size, here = len(columns["feature"]), np.arange(len(columns["feature"]))
        steps = [columns["left"], columns["right"]]
        if any(len(column) != size for column in columns.values()) or not size or not len(roots):
            raise ValueError("columns differ in length or are empty")
        if any(((step < here) | (step >= size)).any() for step in steps) or not set(roots) <= set(here):
            raise ValueError("a node leads back or out")
        if not ((columns["feature"] >= 0) & (columns["feature"] < len(inputs))).all():
            raise ValueError("a node asks for an unknown input")
        if not all(np.isfinite(columns[name]).all() for name in ("threshold", "value")):
            raise ValueError("a number is not finite")
        return cls(
            base=float(found["base"]),
            roots=roots.astype(np.int32),
            depth=int(found["depth"]),
            feature=columns["feature"].astype(np.int32),
            threshold=columns["threshold"].astype(float),
            left=columns["left"].astype(np.int32),
            right=columns["right"].astype(np.int32),
            value=columns["value"].astype(float),
        )

    def score(self, rows: Floats) -> Floats:
        """Log-odds of each row."""
        found = [self._score(rows[start : start + CHUNK]) for start in range(0, len(rows), CHUNK)]
        return np.concatenate(found) if found else np.empty(0)

    def _score(self, rows: Floats) -> Floats:
        values, first = rows.ravel(), (np.arange(len(rows), dtype=np.int32) * rows.shape[1])[:, None]
        at = np.broadcast_to(self.roots, (len(rows), len(self.roots)))
        for _ in range(self.depth):
            goes_left = values.take(first + self.feature.take(at)) <= self.threshold.take(at)
            at = np.where(goes_left, self.left.take(at), self.right.take(at))
        return self.base + self.value.take(at).sum(1)
