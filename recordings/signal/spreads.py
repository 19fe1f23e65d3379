"""How amplitude, frequency and phase move while the signal is on: what tells kinds of modulation apart."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import fft

from recordings.signal.parts import Part

STRETCH = 128  # samples at baseband over which a phase is followed: some 32 ÷ bandwidth
STRETCHES = 128  # of each part at most


def measure_spreads(parts: Sequence[Part]) -> dict[str, float | None]:
    """Over the active samples y of the parts, at baseband; frequencies in cycles/sample of the recording.

    amplitude_spread: standard deviation ÷ mean of |y|. 0 for FSK, PSK between its symbols more; bursts of on-off keying
      include their zeros, so they come near 1 (the σ_a of Azzouz and Nandi, 1996, is of its kind).
    frequency_spread: standard deviation of the instantaneous frequency arg(y[n+1]·y*[n]) ÷ 2π, weighted by the power
      |y[n+1]·y[n]|. Half the distance of its two frequencies for FSK.
    phase_spread: circular standard deviation √(−2 ln R), in radians, of the phase about that of the best fitting tone,
      in stretches of 128 samples at baseband; R = max over f of |Σ e^{jφ[n] − j2πfn}| ÷ 128, the median over stretches
      (Mardia and Jupp, Directional Statistics, 2.3). 0 for a tone, 2.1 and more for noise.
    phase_spread_2, phase_spread_4: the same of 2φ and 4φ. Squaring turns BPSK into a tone, the fourth power QPSK
      (Reichert, GRETSI 1992), so these are low for them and for no other.
    """
    amplitudes = [np.abs(part.baseband[part.active]) for part in parts]
    amplitude = np.concatenate(amplitudes) if amplitudes else np.zeros(0)
    if len(amplitude) < STRETCH or not amplitude.any():
        return {}
    return {
        "amplitude_spread": float(amplitude.std() / amplitude.mean()),
        "frequency_spread": _frequency_spread(parts),
        "phase_spread": _phase_spread(parts, 1),
        "phase_spread_2": _phase_spread(parts, 2),
        "phase_spread_4": _phase_spread(parts, 4),
    }


def _frequency_spread(parts: Sequence[Part]) -> float | None:
    weights = first = second = 0.0
    for part in parts:
        turned = part.baseband[1:] * part.baseband[:-1].conj()
        turned = turned[part.active[1:] & part.active[:-1]]
        weight, frequency = np.abs(turned), np.angle(turned) / (2 * np.pi) * part.rate
        weights += float(weight.sum(dtype=np.float64))
        first += float(np.dot(weight, frequency))
        second += float(np.dot(weight, frequency**2))
    return math.sqrt(max(second / weights - (first / weights) ** 2, 0.0)) if weights else None


def _phase_spread(parts: Sequence[Part], times: int) -> float | None:
    lengths = [_resultants(part, times) for part in parts]
    found = np.concatenate(lengths)
    if not len(found):
        return None
    return math.sqrt(-2 * math.log(min(max(float(np.median(found)), 1e-9), 1.0)))


def _resultants(part: Part, times: int) -> np.ndarray:
    whole = len(part.baseband) // STRETCH
    active = part.active[: whole * STRETCH].reshape(whole, STRETCH).all(axis=1)
    chosen = np.flatnonzero(active)
    chosen = chosen[:: max(math.ceil(len(chosen) / STRETCHES), 1)]
    values = part.baseband[: whole * STRETCH].reshape(whole, STRETCH)[chosen]
    units = np.exp(1j * times * np.angle(values)).astype(np.complex64)
    return np.abs(fft.fft(units, 8 * STRETCH, axis=1, workers=1)).max(axis=1, initial=0) / STRETCH
