"""How strong the samples are: means, peaks and moments, in one pass."""

from __future__ import annotations

import math
import re

import numpy as np

from recordings.signal.pieces import Piece


def decibels(ratio: float | None) -> float | None:
    """10·log₁₀ of a ratio of powers; null of nothing and of 0."""
    return 10 * math.log10(ratio) if ratio is not None and 0 < ratio < math.inf else None


class Power:
    """Sums over the valid samples x, x being the analytic signal of real ones.

    0 dBFS is a tone of amplitude 1.0, complex or real (AES17 gives a full-scale sine 0 dBFS).

    mean_power_dbfs: 10·log₁₀ E|x|².
    peak_power_dbfs: 10·log₁₀ max|x|².
    papr_db: peak to average power ratio of the envelope, 10·log₁₀(max|x|² ÷ E|x|²). 0 dB for a tone (ITU-R SM.328:
      peak envelope power and mean power).
    crest_factor_db: peak to RMS of the waveform, 20·log₁₀(max|v| ÷ √E v²), v being the components I and Q, or the real
      samples themselves (IEC 60050-103: peak factor). 3 dB for a tone: what an analogue-digital converter needs.
    amplitude_kurtosis: E|x|⁴ ÷ (E|x|²)², the normalized fourth moment of the envelope. 1 for a constant envelope, 2 for
      complex Gaussian noise (Pauluzzi and Beaulieu, IEEE Trans. Commun. 48(10), 2000).
    dc_offset_dbfs: 10·log₁₀|E x|².
    clipped_share: samples with a component at either end of the integers' range; of floats, at or beyond ±1.0.
    invalid_share: samples that are NaN, infinite or absurdly large, among all.
    """

    def __init__(self, datatype: str) -> None:
        """least_noise: rounding to integers adds step² ÷ 12 to each component (Bennett, 1948)."""
        bits = re.fullmatch(r"[cr][iu](\d+)(_[lb]e)?", datatype)
        self.highest = np.float32(1 - 2.0 ** (1 - int(bits[1])) if bits else 1.0)
        self.least_noise = float(1 - self.highest) ** 2 / 6
        self.samples = self.valid = self.clipped = 0
        self.direct = 0j
        self.second = self.fourth = self.peak = self.waveform_square = self.waveform_peak = 0.0
        self.components = 1

    def add(self, piece: Piece) -> None:
        power, waveform = piece.power, piece.waveform
        self.samples += len(power)
        self.valid += piece.valid_count
        self.components = len(waveform) // len(power)
        self.direct += complex(waveform[0::2].sum(), waveform[1::2].sum()) if self.components == 2 else waveform.sum()
        self.second += float(power.sum())
        self.fourth += float(np.dot(power, power))
        self.peak = max(self.peak, float(power[piece.inner].max()))
        highest, lowest = float(waveform.max()), float(waveform.min())
        self.waveform_peak = max(self.waveform_peak, highest, -lowest)
        self.waveform_square += float(np.dot(waveform, waveform))
        if highest >= self.highest or lowest <= -1:
            at_end = (waveform >= self.highest) | (waveform <= -1)
            self.clipped += int(np.count_nonzero(at_end.reshape(len(power), -1).any(axis=1)))

    @property
    def mean(self) -> float:
        """E|x|²."""
        return self.second / self.valid if self.valid else 0.0

    def numbers(self) -> dict[str, float | int | None]:
        if not self.valid:
            return {"invalid_share": self.invalid / self.samples if self.samples else None}
        mean, waveform_mean = self.mean, self.waveform_square / (self.valid * self.components)
        return {
            "mean_power_dbfs": decibels(mean),
            "peak_power_dbfs": decibels(self.peak),
            "papr_db": decibels(self.peak / mean) if mean else None,
            "crest_factor_db": decibels(self.waveform_peak**2 / waveform_mean) if waveform_mean else None,
            "amplitude_kurtosis": self.fourth / self.valid / mean**2 if mean else None,
            "dc_offset_dbfs": decibels(abs(self.direct / self.valid) ** 2),
            "clipped_share": self.clipped / self.valid,
            "invalid_share": self.invalid / self.samples,
        }

    @property
    def invalid(self) -> int:
        return self.samples - self.valid
