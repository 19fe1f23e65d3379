"""How far two samples of one feature lie apart: PSI over bins, KS over values. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from math import inf, log, nextafter

WATCH, DRIFTED = 0.10, 0.25  # PSI from which a feature is watched, and called drifted
LEAST = 200  # values on each side below which a distance is shown and says nothing
SMALLEST_SHARE = 1e-4


def psi(reference: Sequence[float], current: Sequence[float]) -> float | None:
    """Population stability index of counts over the same bins: sum of (c - r) ln(c / r), natural logarithm.

    Shares are clipped at 0.0001, so an empty bin costs much and not everything. None when a side is empty.
    """
    before, now = sum(reference), sum(current)
    if not before or not now:
        return None
    shares = [
        (max(r / before, SMALLEST_SHARE), max(c / now, SMALLEST_SHARE)) for r, c in zip(reference, current, strict=True)
    ]
    return sum((c - r) * log(c / r) for r, c in shares)


def ks(reference: Sequence[float], current: Sequence[float]) -> float | None:
    """Kolmogorov-Smirnov: the largest distance between the two empirical distribution functions, 0-1.

    Exact for the values given, which are samples of at most some thousand. None when a side is empty.
    """
    if not reference or not current:
        return None
    before, now = sorted(reference), sorted(current)
    return max(
        abs(bisect_right(before, value) / len(before) - bisect_right(now, value) / len(now))
        for value in {*before, *now}
    )


def level(index: float | None, n: int, reference_n: int) -> str:
    """`steady`, `watch` or `drifted` by PSI; `no_reference`; `too_few` when either side says nothing yet."""
    if index is None and not reference_n:
        return "no_reference"
    if index is None or min(n, reference_n) < LEAST:
        return "too_few"
    return "steady" if index < WATCH else "watch" if index < DRIFTED else "drifted"


def edges(values: Sequence[float]) -> list[float]:
    """Where the bins of a reference begin: its deciles, each once. Bin k holds edges[k-1] <= x < edges[k].

    The outer bins are open. Where the greatest value is an edge, another one just above it keeps what is greater
    apart, so that a constant which became another constant is seen.
    """
    if not values:
        return []
    ordered = sorted(values)
    found = sorted({ordered[-(-len(ordered) * tenth // 10) - 1] for tenth in range(1, 10)})
    return [*found, nextafter(ordered[-1], inf)] if found[-1] == ordered[-1] else found


def histogram(values: Sequence[float], begins: Sequence[float]) -> list[int]:
    """How many values lie in each of the len(begins) + 1 bins."""
    counts = [0] * (len(begins) + 1)
    for value in values:
        counts[bisect_right(begins, value)] += 1
    return counts


def thin(values: Sequence[float], most: int) -> list[float]:
    """At most so many of the values, evenly over their order, so that their distribution stays."""
    ordered = sorted(values)
    if len(ordered) <= most:
        return ordered
    return [ordered[(2 * place + 1) * len(ordered) // (2 * most)] for place in range(most)]
