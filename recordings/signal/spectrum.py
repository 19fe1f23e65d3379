"""Where in frequency, and when, the power is: averaged periodograms, in one pass."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import fft, special

from recordings.signal.pieces import Piece

FEWEST = 256  # samples for a spectrum
ROWS, LONGEST, SHORTEST = 512, 4096, 64
HALF_OVERLAPPING = 1 << 20  # samples up to which segments overlap by half; of more there are segments enough
HANN_FREEDOM = 0.51  # (Σw²)² ÷ (n·Σw⁴): the share of a segment's samples that counts


@dataclass(frozen=True)
class Spectrum:
    """rows: mean power in each bin, times × frequencies ascending; of all rows alike, the sum is the mean power.

    frequencies: middles of the bins in cycles/sample, from −½ up to ½, of real samples from 0. averages: how many
    independent periodograms each row is the mean of. step: samples from one row to the next. length: of a segment.
    """

    frequencies: np.ndarray
    rows: np.ndarray
    averages: np.ndarray
    step: int
    length: int

    @property
    def bin(self) -> float:
        """Cycles/sample."""
        return float(self.frequencies[1] - self.frequencies[0])

    def mean(self, rows: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Power in each bin over these rows, each as often as it has periodograms."""
        weights = self.averages[rows]
        return np.dot((weights / weights.sum()).astype(np.float32), self.rows[rows])


class Periodograms:
    """Welch's method (IEEE Trans. Audio Electroacoust. 15(2), 1967): |FFT|² of Hann-windowed segments, averaged.

    Segments are of about 2√n samples, 64 to 4096, so that time and frequency are resolved alike. They overlap by half
    up to HALF_OVERLAPPING samples, and stand side by side in longer recordings.
    """

    def __init__(self, count: int, *, is_complex: bool) -> None:
        self.length = min(max(2 ** round(math.log2(2 * math.sqrt(max(count, 1)))), SHORTEST), LONGEST)
        self.hop = self.length // 2 if count <= HALF_OVERLAPPING else self.length
        self.step = max(math.ceil(count / ROWS / self.length), 1) * self.length
        self.is_complex = is_complex
        self.window = np.hanning(self.length + 1)[:-1].astype(np.float32)
        self.sums = np.zeros((max(math.ceil(count / self.step), 1), self.length), np.float32)
        self.segments = np.zeros(len(self.sums), np.int64)
        self.total = 0.0

    def add(self, piece: Piece) -> None:
        """Segments that would reach into the next piece are left out."""
        if len(piece.values) < self.length:
            return
        segments = np.lib.stride_tricks.sliding_window_view(piece.values, self.length)[:: self.hop] * self.window
        spectra = fft.fft(segments, axis=1, overwrite_x=True, workers=1)
        periodograms = spectra.real**2
        periodograms += spectra.imag**2
        starts = piece.start + self.hop * np.arange(len(segments))
        rows = np.minimum(starts // self.step, len(self.sums) - 1)
        first = np.flatnonzero(np.diff(rows, prepend=-1))
        self.sums[rows[first]] += np.add.reduceat(periodograms, first, axis=0)
        self.segments[rows[first]] += np.diff(first, append=len(rows))

    def spectrum(self, power: float) -> Spectrum | None:
        """`power`: what the bins of the mean sum up to. None of too few samples, or of silence."""
        held = self.segments > 0
        sums = fft.fftshift(self.sums[held], axes=1)
        frequencies = fft.fftshift(fft.fftfreq(self.length))
        if not self.is_complex:
            sums, frequencies = sums[:, self.length // 2 :], frequencies[self.length // 2 :]
        total = float(sums.sum(dtype=np.float64))
        if not held.any() or not 0 < total < math.inf:
            return None
        segments = self.segments[held]
        factors = power * float(segments.sum()) / total / segments
        independent = 0.95 if self.hop < self.length else 1.0  # half-overlapping Hann segments share a little
        rows = sums * factors[:, np.newaxis].astype(np.float32)
        return Spectrum(frequencies, rows, segments * independent, self.step, self.length)


def shape(density: np.ndarray, averages: float) -> dict[str, float | None]:
    """How evenly power is spread over the sampled band.

    spectral_flatness: geometric ÷ arithmetic mean of the bins (Wiener entropy; Gray and Markel, IEEE Trans. ASSP 22(3),
      1974), without the bias ψ(K) − ln K of the logarithm of a mean of K periodograms. 1 for white noise, 0 for a tone.
    spectral_entropy: −Σ p·log₂p ÷ log₂ n of the bins' shares p of the power (Shannon, 1948; Inouye et al., 1991). 1 for
      white noise, 0 for a tone.
    """
    share = density.astype(np.float64) / density.sum(dtype=np.float64)
    held = share[share > 0]
    if len(held) < len(share):
        flatness = 0.0  # a geometric mean with a zero
    else:
        bias = float(special.digamma(averages)) - math.log(averages)
        flatness = math.exp(float(np.log(share).mean()) - bias) * len(share)
    entropy = -float((held * np.log2(held)).sum()) / math.log2(len(share))
    return {"spectral_flatness": min(flatness, 1.0), "spectral_entropy": min(max(entropy, 0.0), 1.0)}
