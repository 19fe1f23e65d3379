"""What is there when no signal is: the noise, and the signal that stands out of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import ndimage, special

from recordings.signal.power import decibels
from recordings.signal.spectrum import HANN_FREEDOM, Spectrum

FIRST_SHARE = 0.1  # the lowest tenth is noise for certain
DEVIATIONS = 4.0
FALSE_ALARMS = 1e-3  # spectra of noise in which a bin stands out
LEAST_STEP = 10**0.05  # half a dB between noise and what is not: floors are never quite flat
FEWEST_AVERAGES = 64  # periodograms behind each bin of the noise between bursts, neighbours among them
LEAST_SIGNAL = 10**-1.5  # over the noise: of what is weaker, most stays below it
DEEPEST = 1e-12  # of all power: below it there is only the rounding of float32


@dataclass(frozen=True)
class Noise:
    """bins: noise in each bin. excess: mean power over it in each bin, 0 within the noise's scatter."""

    bins: np.ndarray
    excess: np.ndarray

    @property
    def power(self) -> float:
        """In the whole sampled band."""
        return float(self.bins.sum(dtype=np.float64))

    @property
    def stands_out(self) -> bool:
        return bool(self.excess.any())


def flat_noise(spectrum: Spectrum, least: float) -> Noise:
    """White noise as strong as the quiet times in the quiet frequencies, and `least` (a power) at least."""
    quiet = quiet_rows(spectrum)
    floor = lowest_cluster(spectrum.mean(quiet), step(float(spectrum.averages[quiet].sum())))
    bins = np.full(len(spectrum.frequencies), floor)
    return _against(spectrum, bins, least, float(spectrum.averages.sum()))


def noise_of_gaps(spectrum: Spectrum, gaps: np.ndarray, power: float, least: float) -> Noise:
    """The noise between bursts, with its colour: of the rows that are `gaps`; white of `power` without such rows."""
    if not gaps.any():
        bins = np.full(len(spectrum.frequencies), power / len(spectrum.frequencies))
        return _against(spectrum, bins, least, float(spectrum.averages.sum()))
    averages = float(spectrum.averages[gaps].sum())
    smoothing = max(round(FEWEST_AVERAGES / averages), 1)
    bins = ndimage.uniform_filter1d(spectrum.mean(gaps).astype(np.float64), smoothing, mode="nearest")
    return _against(spectrum, bins, least, averages * smoothing)


def quiet_rows(spectrum: Spectrum) -> np.ndarray:
    """Which rows belong to the lowest cluster of powers."""
    powers = spectrum.rows.sum(axis=1)
    scatter = step(float(np.median(spectrum.averages)) * HANN_FREEDOM * spectrum.rows.shape[1])
    return powers <= lowest_cluster(powers, scatter) * scatter


def effective_bandwidth(spectrum: Spectrum) -> float:
    """(ΣP)² ÷ ΣP² of the quiet rows' bins, in cycles/sample: independent values in a sample of them."""
    bins = spectrum.mean(quiet_rows(spectrum)).astype(np.float64)
    squares = float((bins**2).sum())
    return float(bins.sum()) ** 2 / squares * spectrum.bin if squares else spectrum.bin


def noise_numbers(noise: Noise, duty_cycle: float, band: tuple[float, float], spectrum: Spectrum) -> dict:
    """noise_floor_dbfs: 10·log₁₀ of the noise in the whole sampled band.

    snr_db: 10·log₁₀ of the signal's power while it is on (mean power above the noise ÷ duty cycle) to that noise. Null
      where nothing stands out, or less than −15 dB of it; a signal that always fills the band is taken for noise.
    snr_in_band_db: the same, to the noise within the occupied band alone.
    Without gaps the noise is that of the quietest frequencies: of a receiver whose filter is narrower than the sampled
    band they hold less noise than the signal's own, so the ratio is an upper limit.
    """
    on = float(noise.excess.sum()) / duty_cycle if duty_cycle else 0.0
    on = on if on > LEAST_SIGNAL * noise.power else 0.0
    within = (spectrum.frequencies >= band[0]) & (spectrum.frequencies <= band[1])
    inside = float(noise.bins[within].sum())
    return {
        "noise_floor_dbfs": decibels(noise.power),
        "snr_db": decibels(on / noise.power),
        "snr_in_band_db": decibels(on / inside) if inside else None,
    }


def lowest_cluster(values: np.ndarray, step: float) -> float:
    """Mean of the values that belong together at the bottom: from the lowest tenth on, all below `step` times the mean.

    Forward consecutive mean excision (Henttu and Aromaa, 2002; ITU-R SM.2256 describes its kind).
    """
    ordered = np.sort(values, axis=None).astype(np.float64)
    sums, taken = np.cumsum(ordered), max(math.ceil(len(ordered) * FIRST_SHARE), 1)
    while True:
        mean = sums[taken - 1] / taken
        below = int(np.searchsorted(ordered, mean * step, "right"))
        if below <= taken:
            return float(mean)
        taken = below


def step(freedom: float) -> float:
    """How far above its mean a mean of `freedom` periodograms may lie and still be noise."""
    return max(1 + DEVIATIONS / math.sqrt(max(freedom, 1.0)), LEAST_STEP)


def _against(spectrum: Spectrum, bins: np.ndarray, least: float, averages: float) -> Noise:
    everywhere = spectrum.mean().astype(np.float64)
    least = max(least, DEEPEST * float(everywhere.sum())) / len(bins)
    bins = np.maximum(bins, least)
    averages = min(averages, float(spectrum.averages.sum()))
    scatter = max(float(special.gammainccinv(averages, FALSE_ALARMS / len(bins))) / averages, LEAST_STEP)
    return Noise(bins=bins, excess=np.where(everywhere > bins * scatter, everywhere - bins, 0.0))
