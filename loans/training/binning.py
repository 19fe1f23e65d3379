"""Cut a characteristic into bins and say what each is worth: its weight of evidence, smoothed towards a trend.

Sources: N. Siddiqi, Credit Risk Scorecards (2006), ch. 6, for bins and weight of evidence; E. Barlow et al.,
Statistical Inference under Order Restrictions (1972), for pooling adjacent violators.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from loans.training.newton import newton
from loans.training.table import Candidate, Column, Floats, Ints

MISSING_CASES = 2.0


@dataclass(frozen=True, slots=True)
class Settings:
    """bins: at most, besides the missing one. min_share: of the known values in each bin. smoothing: cases added to
    each bin at the rate of the trend. penalty: L2 on the weights. min_points: a characteristic that moves the score
    by less is left out."""

    bins: int = 6
    min_share: float = 0.05
    smoothing: float = 30.0
    penalty: float = 4.0
    min_points: float = 1.0
    folds: int = 5
    repeats: int = 10
    draws: int = 200
    shuffles: int = 5


@dataclass(frozen=True, slots=True)
class Bins:
    """edges of numbers, or groups of levels; evidence: log of a bin's odds over the odds of all, the missing last."""

    name: str
    edges: Floats
    levels: tuple[tuple[str, ...], ...] | None
    evidence: Floats

    def locate(self, column: Column) -> Ints:
        return locate(column, self.edges, self.levels)


def locate(column: Column, edges: Floats, levels: tuple[tuple[str, ...], ...] | None = None) -> Ints:
    """Bin of each value, [low, high); the last index is the bin of missing values and unknown levels."""
    if levels is not None:
        index = {level: number for number, group in enumerate(levels) for level in group}
        return np.array([index.get(value, len(levels)) for value in column], dtype=np.int64)
    return np.where(np.isnan(column), len(edges) + 1, np.searchsorted(edges, column, side="right")).astype(np.int64)


def bins_of(column: Column, bad: Ints, one: Candidate, settings: Settings) -> Bins:
    """Cut from these cases alone."""
    if one.trend == "levels":
        levels, edges = common_levels(column, settings), np.array([])
        count = len(levels) + 1
    else:
        levels, edges = None, np.array(one.edges) if one.edges is not None else cut(column, settings)
        count = len(edges) + 2
    places = locate(column, edges, levels)
    goods, bads = (np.bincount(places, side, count).astype(np.float64) for side in (1 - bad, bad))
    return Bins(one.name, edges, levels, weight_of_evidence(goods, bads, one.trend, settings))


def cut(column: Column, settings: Settings) -> Floats:
    """Edges between bins of about equal size; a value that many share has a bin of its own."""
    values, counts = np.unique(column[~np.isnan(column)], return_counts=True)
    up_to = np.cumsum(counts)
    total = int(counts.sum())
    edges: list[float] = []
    done = 0
    least = settings.min_share * total
    while len(edges) < settings.bins - 1:
        wanted = max(least, (total - done) / (settings.bins - len(edges)))
        last = int(np.searchsorted(up_to, done + wanted))
        if last + 1 >= len(values) or total - up_to[last] < least:
            break
        edges.append(_between(float(values[last]), float(values[last + 1])))
        done = int(up_to[last])
    return np.array(edges)


def common_levels(column: Column, settings: Settings) -> tuple[tuple[str, ...], ...]:
    """A bin for each level that enough cases have; the rest share the missing bin."""
    words, counts = np.unique([value for value in column if value is not None], return_counts=True)
    enough = settings.min_share * counts.sum() / 2
    return tuple((str(word),) for word, count in zip(words, counts, strict=True) if count >= enough)


def weight_of_evidence(goods: Floats, bads: Floats, trend: str, settings: Settings) -> Floats:
    """By bin, the missing one last: log-odds of repaying less those of all.

    Each bin is joined by `smoothing` cases at the rate of one smooth trend through all bins, and bins that still go
    against a declared trend are pooled. A missing bin too small to judge says nothing: 0.
    """
    overall = math.log(max(goods.sum(), 0.5) / max(bads.sum(), 0.5))
    good, bad = goods[:-1], bads[:-1]
    line = np.full(len(good), overall)
    sign = {"rising": 1, "falling": -1}.get(trend, 0)
    if sign and len(good) > 1:
        line = trend_line(good, bad, sign)
    rate = 1 / (1 + np.exp(-line))
    added = settings.smoothing
    evidence = np.log((good + added * rate) / (bad + added * (1 - rate))) - overall
    if sign:
        evidence = sign * pooled(sign * evidence, good + bad + added)
    rate_of_all = 1 / (1 + math.exp(-overall))
    missing = goods[-1] + MISSING_CASES * rate_of_all, bads[-1] + MISSING_CASES * (1 - rate_of_all)
    enough = goods[-1] + bads[-1] >= settings.min_share * (goods.sum() + bads.sum())
    return np.append(evidence, math.log(missing[0] / missing[1]) - overall if enough else 0.0)


def trend_line(good: Floats, bad: Floats, sign: int) -> Floats:
    """Log-odds as a straight line over the normal score of each bin's mid rank, never against the sign."""
    count = good + bad
    ranks = (np.cumsum(count) - count / 2) / count.sum()
    scores = sign * ndtri(np.clip(ranks, 0.002, 0.998))

    design = np.column_stack([np.ones(len(scores)), scores])
    pull, least = np.array([0.0, 1.0]), np.array([-math.inf, 0.0])
    return np.asarray(design @ newton(design, good / np.maximum(count, 1), count, pull, least))


def pooled(values: Floats, weights: Floats) -> Floats:
    """The nearest values that never fall."""
    blocks: list[tuple[float, float, int]] = []
    for value, weight in zip(values, weights, strict=True):
        block = (float(value), float(weight), 1)
        while blocks and blocks[-1][0] > block[0]:
            before = blocks.pop()
            total = before[1] + block[1]
            block = ((before[0] * before[1] + block[0] * block[1]) / total, total, before[2] + block[2])
        blocks.append(block)
    return np.concatenate([np.full(count, value) for value, _, count in blocks]) if blocks else values


def _between(low: float, high: float) -> float:
    """A short number above `low` and not above `high`."""
    for digits in range(2, 17):
        short = float(f"{(low + high) / 2:.{digits}g}")
        if low < short <= high:
            return short
    return high
