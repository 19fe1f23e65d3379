"""Trees as plain arrays, walked for many rows at once. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

CHUNK = 64  # rows whose walk stays in the processor's cache
DEEPEST = 200
COLUMNS = ("feature", "threshold", "left", "right", "value")


@dataclass(frozen=True)
class Forest:
    """All trees' nodes in one row of arrays. A leaf leads to itself. value: node × output, a share of the mean."""

    roots: NDArray[np.int32]
    depth: int
    feature: NDArray[np.int32]
    threshold: NDArray[np.float32]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    value: NDArray[np.float32]

    @classmethod
    def read(cls, found: Mapping[str, NDArray[Any]], inputs: int) -> Forest:
        """left, right: how far on the next node is. Raises ValueError for nodes that lead astray."""
        size, here = len(found["feature"]), np.arange(len(found["feature"]))
        if not size or not len(found["roots"]) or any(len(found[name]) != size for name in COLUMNS):
            raise ValueError("columns differ in length or are empty")
        left, right = (here + found[name].astype(np.int64) for name in ("left", "right"))
        if any((step < here).any() or (step >= size).any() for step in (left, right)):
            raise ValueError("a node leads back or out")
        if found["roots"].min() < 0 or found["roots"].max() >= size:
            raise ValueError("a root is not there")
        if found["feature"].min() < 0 or found["feature"].max() >= inputs:
            raise ValueError("a node asks for an unknown input")
        if not all(np.isfinite(found[name].astype(np.float32)).all() for name in ("threshold", "value")):
            raise ValueError("a number is not finite")
        return cls(
            roots=found["roots"].astype(np.int32),
            depth=_depth(found["roots"], left, right),
            feature=found["feature"].astype(np.int32),
            threshold=found["threshold"].astype(np.float32),
            left=left.astype(np.int32),
            right=right.astype(np.int32),
            value=found["value"].astype(np.float32) / np.float32(len(found["roots"])),
        )

    def mean(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Row × output: what the trees say on average."""
        found = [self._mean(rows[start : start + CHUNK]) for start in range(0, len(rows), CHUNK)]
        return np.concatenate(found) if found else np.empty((0, self.value.shape[1]), np.float32)

    def _mean(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        values = np.ascontiguousarray(rows, np.float32).ravel()
        first = (np.arange(len(rows), dtype=np.int32) * rows.shape[1])[:, None]
        at = np.broadcast_to(self.roots, (len(rows), len(self.roots)))
        for _ in range(self.depth):
            goes_left = values.take(first + self.feature.take(at)) <= self.threshold.take(at)
            at = np.where(goes_left, self.left.take(at), self.right.take(at))
        return self.value[at].sum(axis=1)


def _depth(roots: NDArray[Any], left: NDArray[np.int64], right: NDArray[np.int64]) -> int:
    at, depth = np.unique(roots), 0
    while len(at):
        if depth > DEEPEST:
            raise ValueError("a tree is too deep")
        steps = np.concatenate([left[at], right[at]])
        at, depth = np.unique(steps[steps != np.concatenate([at, at])]), depth + 1
    return depth
