"""When the signal is on."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from recordings.signal.noise import lowest_cluster, step
from recordings.signal.pieces import PIECE, Piece

SHORTEST = 32  # samples of a window
WINDOWS = 1 << 20  # at most, whatever the length
FALSE_ALARMS = 1e-5  # a window of noise seen as a signal; a burst has two in a row
LEAST_RISE = 1.4  # of a burst over the gaps: 1.5 dB, for a floor is never quite steady
SMOOTHING = 2.0  # ÷ bandwidth: samples over which powers are averaged
FEWEST_WINDOWS = 128  # are left of that
SAME_KIND = 4  # gaps within bursts are all shorter than gaps between them by this, or they are of one kind


class Envelope:
    """Mean power of windows of 32 samples, of more in recordings of more than 2²⁵ samples."""

    def __init__(self, count: int) -> None:
        shortest = 2 ** math.ceil(math.log2(max(count / WINDOWS, 1)))
        self.window = min(max(shortest, SHORTEST), PIECE)
        self.parts: list[np.ndarray] = []

    def add(self, piece: Piece) -> None:
        whole = len(piece.power) // self.window * self.window
        self.parts.append(piece.power[:whole].reshape(-1, self.window).mean(axis=1))

    def powers(self) -> np.ndarray:
        return np.concatenate(self.parts) if self.parts else np.zeros(0, np.float32)


@dataclass(frozen=True)
class Activity:
    """active: by window of `window` samples, gaps within bursts included. quietest: mean power of the gaps."""

    active: np.ndarray
    window: int
    burst_count: int
    quietest: float

    @property
    def duty_cycle(self) -> float:
        return float(self.active.mean())

    @property
    def has_gaps(self) -> bool:
        return self.burst_count > 0 and not self.active.all()

    def gaps(self, rows: int, step: int, reach: int) -> np.ndarray:
        """Which of the rows of a spectrogram, `step` samples each and `reach` more, lie between bursts."""
        before = np.concatenate([[0], np.cumsum(self.active)])
        first = np.minimum(np.arange(rows) * step // self.window, len(self.active))
        last = np.minimum((np.arange(1, rows + 1) * step + reach) // self.window + 1, len(self.active))
        return (before[last] == before[first]) & (last > first)


def find_bursts(
    powers: np.ndarray, window: int, *, noise_power: float, signal: bool, noise_bandwidth: float, bandwidth: float
) -> Activity:
    """Energy detection (Urkowitz, Proc. IEEE 55(4), 1967) with a threshold of constant false alarm rate.

    duty_cycle: share of the time within bursts, 0 to 1. burst_count: how many. A burst is a run of windows stronger
    than the quietest ones would be once in 100,000. Gaps within bursts (zeros of on-off keying) are closed if they are
    of another kind, four times shorter, than the gaps between. A `signal` that stands out of the spectrum and leaves no
    gaps is one burst that is on all the time.

    powers: of windows. Bandwidths in cycles/sample: the noise's, and the signal's, over whose inverse twice powers are
    averaged so that an envelope passing through zero between symbols leaves no gap.
    """
    together = 2 ** math.ceil(math.log2(max(SMOOTHING / max(bandwidth, 1e-9) / window, 1)))
    together = max(min(together, len(powers) // FEWEST_WINDOWS), 1)
    whole = len(powers) // together * together
    smooth = powers[:whole].reshape(-1, together).mean(axis=1, dtype=np.float64)
    freedom = max(window * together * noise_bandwidth, 1.0)
    quietest = max(lowest_cluster(smooth, step(freedom)), noise_power)
    threshold = quietest * max(float(special.gammainccinv(freedom, FALSE_ALARMS)) / freedom, LEAST_RISE)
    starts, ends = _runs(smooth > threshold)
    kept = ends - starts >= 2
    starts, ends = starts[kept], ends[kept]
    if not len(starts):
        return Activity(np.full(len(powers), signal), window, int(signal), quietest)
    gaps = starts[1:] - ends[:-1]
    between = gaps > _within_bursts(gaps)
    starts, ends = np.append(starts[:1], starts[1:][between]), np.append(ends[:-1][between], ends[-1:])
    marks = np.zeros(len(powers) + 1, np.int8)
    marks[starts * together] += 1
    marks[np.minimum(ends * together, len(powers))] -= 1
    return Activity(np.cumsum(marks)[:-1] > 0, window, len(starts), quietest)


def _runs(active: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    changes = np.diff(active.astype(np.int8), prepend=0, append=0)
    return np.flatnonzero(changes == 1), np.flatnonzero(changes == -1)


def _within_bursts(gaps: np.ndarray) -> int:
    """The longest gap that is none between bursts, in windows: where the ordered lengths leap; else single windows."""
    ordered = np.sort(gaps)
    if len(ordered) > 1:
        leaps = ordered[1:] / ordered[:-1]
        if leaps.max() >= SAME_KIND:
            return int(ordered[int(leaps.argmax())])
    return 1
