"""How wide the signal is, and where its middle is. Cycles/sample."""

from __future__ import annotations

import numpy as np

from recordings.signal.noise import Noise
from recordings.signal.spectrum import Spectrum

OUTSIDE = 0.005  # of the power on either side of the occupied band
XDB = 26.0


def occupied(frequencies: np.ndarray, power: np.ndarray) -> tuple[float, float]:
    """The limits outside which lies half a hundredth of the power each (ITU-R SM.443-4, SM.328-11: β/2 = 0.5 %).

    Power within a bin counts as evenly spread, so the limits lie between bins.
    """
    width = frequencies[1] - frequencies[0]
    edges = np.append(frequencies, frequencies[-1] + width) - width / 2
    below = np.concatenate([[0.0], np.cumsum(power, dtype=np.float64)]) / power.sum(dtype=np.float64)
    low = np.interp(OUTSIDE, below, edges)
    high = np.interp(1 - OUTSIDE, below, edges)
    return float(low), float(high)


def within(frequencies: np.ndarray, power: np.ndarray, floor: float, down: float = XDB) -> float | None:
    """x dB bandwidth: between the outermost points that lie `down` dB below the strongest (ITU-R SM.328-11, 1.14).

    Powers in dB count as straight lines between the bins. None if the noise `floor` of a bin is not below that.
    """
    level = float(power.max()) / 10 ** (down / 10)
    if floor >= level:
        return None
    above = np.flatnonzero(power >= level)
    first, last = int(above[0]), int(above[-1])
    return float(_crossing(frequencies, power, last, 1, level) - _crossing(frequencies, power, first, -1, level))


def centre(frequencies: np.ndarray, power: np.ndarray) -> float:
    """Σ f·P ÷ Σ P, the mean frequency of the power."""
    return float(np.average(frequencies, weights=power))


def occupied_band(spectrum: Spectrum, noise: Noise) -> tuple[float, float]:
    """Limits of the occupied band of what stands out of the noise; of everything where nothing does."""
    return occupied(spectrum.frequencies, noise.excess if noise.stands_out else spectrum.mean())


def measure_bandwidth(spectrum: Spectrum, noise: Noise) -> dict[str, float | None]:
    """occupied_bandwidth: of 99 % of the power that stands out of the noise. Of the whole spectrum where nothing does:
      then the recording is either noise or filled by its signal.
    bandwidth_26db: of the mean spectrum, noise and all. Null with less than 26 dB between the strongest bin and noise.
    centre_offset: mean frequency of what stands out, 0 being the receiver's; null where nothing does.
    The Hann window widens each line to two bins: what is narrower is measured as two to three bins.
    """
    everywhere, frequencies = spectrum.mean(), spectrum.frequencies
    low, high = occupied_band(spectrum, noise)
    return {
        "occupied_bandwidth": high - low,
        "bandwidth_26db": within(frequencies, everywhere, float(np.median(noise.bins))),
        "centre_offset": centre(frequencies, noise.excess) if noise.stands_out else None,
    }


def _crossing(frequencies: np.ndarray, power: np.ndarray, at: int, side: int, level: float) -> float:
    """Where the line between a bin above the level and its neighbour below passes it."""
    beyond = at + side
    if not 0 <= beyond < len(power) or power[beyond] <= 0:
        return float(frequencies[at])
    share = np.log(power[at] / level) / np.log(power[at] / power[beyond])
    return float(frequencies[at] + share * (frequencies[beyond] - frequencies[at]))
