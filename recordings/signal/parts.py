"""Parts of a recording that are looked at closely: the strongest, as many as can be afforded, at baseband."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import fft

from recordings.signal.bursts import Activity
from recordings.signal.pieces import PIECE, Samples, analytic, valid_only

WHOLE = 1 << 18  # samples up to which everything is looked at
PARTS = 4  # pieces of longer recordings
OVERSAMPLING = 4.0  # samples for each 1/bandwidth
MARGIN = 1.3  # of the filter about the occupied band


@dataclass(frozen=True)
class Part:
    """baseband: the signal about its middle and within its band, `rate` samples for each of the recording's.

    active: which of these are within bursts. waveform: the real samples as they were, None of complex ones.
    """

    baseband: np.ndarray
    active: np.ndarray
    rate: float
    waveform: np.ndarray | None
    waveform_active: np.ndarray


def closest_parts(
    samples: Samples, activity: Activity, powers: np.ndarray, band: tuple[float, float], *, channel: int = 0
) -> list[Part]:
    """All of a short recording; of a longer one the four pieces with most power in bursts. The same ones every time."""
    if samples.count <= WHOLE:
        starts, length = [0], samples.count
    else:
        length = PIECE
        windows = length // activity.window
        whole = len(powers) // windows
        energy = (powers * activity.active)[: whole * windows].reshape(whole, windows).sum(axis=1)
        strongest = np.argsort(-energy, kind="stable")[:PARTS]
        starts = [int(number) * length for number in np.sort(strongest)]
    return [_part(samples.read(start, length, channel), start, activity, band) for start in starts]


def _part(raw: np.ndarray, start: int, activity: Activity, band: tuple[float, float]) -> Part:
    values, _ = valid_only(raw)
    is_complex = np.iscomplexobj(values)
    whole = values if is_complex else analytic(values)
    low, high = band
    length = len(whole)
    spectrum = fft.fft(whole, workers=1)
    middle = round((low + high) / 2 * length)
    reach = max(round((high - low) * MARGIN * length / 2), 8)
    reach = min(reach, length // 2 - 1)
    size = fft.next_fast_len(min(max(round((high - low) * OVERSAMPLING * length), 4 * reach), 2 * length))
    shifted = np.zeros(size, np.complex64)
    bins = np.arange(-reach, reach + 1)
    shifted[bins] = spectrum[(middle + bins) % length]
    baseband = fft.ifft(shifted, overwrite_x=True, workers=1) * np.float32(size / length)
    rate = size / length
    return Part(
        baseband,
        _at(activity, start + np.arange(size) / rate),
        rate,
        None if is_complex else values,
        _at(activity, start + np.arange(length)),
    )


def _at(activity: Activity, positions: np.ndarray) -> np.ndarray:
    windows = (positions // activity.window).astype(np.int64)
    return activity.active[np.minimum(windows, len(activity.active) - 1)]
