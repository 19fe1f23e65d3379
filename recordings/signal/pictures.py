"""What pictures of a recording show, in dB."""

from __future__ import annotations

import numpy as np

from recordings.signal.spectrum import Spectrum

COLUMNS = 512
LOWEST_DB = -200.0


def spectrogram(spectrum: Spectrum) -> np.ndarray:
    """Mean power in each cell in dBFS, rows time × columns frequency ascending, at most 512 × 512."""
    rows = spectrum.rows
    together = max(rows.shape[1] // COLUMNS, 1)
    return decibels_of(rows.reshape(len(rows), -1, together).sum(axis=2))


def mean_spectrum(spectrum: Spectrum) -> np.ndarray:
    """Mean power in each bin in dBFS."""
    return decibels_of(spectrum.mean())


def decibels_of(power: np.ndarray) -> np.ndarray:
    return (10 * np.log10(np.maximum(power, 10 ** (LOWEST_DB / 10)))).astype(np.float32)
