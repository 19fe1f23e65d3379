"""Everything that is measured on a recording, in one pass over it and a closer look at parts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recordings.numbers import NAMES
from recordings.signal.bandwidth import measure_bandwidth, occupied_band
from recordings.signal.bursts import Envelope, find_bursts
from recordings.signal.noise import effective_bandwidth, flat_noise, noise_numbers, noise_of_gaps
from recordings.signal.parts import closest_parts
from recordings.signal.pictures import mean_spectrum, spectrogram
from recordings.signal.pieces import Samples, pieces
from recordings.signal.power import Power
from recordings.signal.spectrum import FEWEST, Periodograms, Spectrum, shape
from recordings.signal.spreads import measure_spreads
from recordings.signal.symbols import measure_symbols

VERSION = "1"  # another one when the same samples would give other numbers
NARROWEST = 4  # bins: what is narrower is a carrier, and has no symbols that could be seen
IN_HERTZ = ("occupied_bandwidth", "bandwidth_26db", "centre_offset", "frequency_spread", "symbol_rate")
Numbers = dict[str, float | int | None]


@dataclass(frozen=True)
class Measured:
    """numbers: by name, ready for JSON; null where it cannot be said. For pictures: `spectrogram`, rows time × columns
    frequency, and `spectrum` with its `frequencies` in cycles/sample, both dBFS; empty of too few samples.
    """

    numbers: Numbers
    version: str
    spectrogram: np.ndarray
    spectrum: np.ndarray
    frequencies: np.ndarray


def measure(samples: Samples, *, channel: int = 0, block: int = 1 << 20) -> Measured:
    """Measure one channel, `block` samples being read at once. Memory is flat over any length.

    Raises what reading raises.
    """
    count = samples.count
    power, periodograms, envelope = Power(samples.datatype), None, Envelope(count)
    if count >= FEWEST:
        periodograms = Periodograms(count, is_complex=samples.is_complex)
    for piece in pieces(samples, channel=channel, block=block):
        power.add(piece)
        envelope.add(piece)
        if periodograms:
            periodograms.add(piece)
    numbers: Numbers = dict.fromkeys(NAMES)
    numbers |= power.numbers() | {"sample_count": power.samples}
    spectrum = periodograms.spectrum(power.mean) if periodograms else None
    if spectrum is not None:
        numbers |= _of_spectrum(samples, spectrum, envelope, power.least_noise, channel)
    if samples.sample_rate:
        for name in IN_HERTZ:
            value = numbers[name]
            numbers[f"{name}_hz"] = None if value is None else value * samples.sample_rate
        numbers["duration_s"] = power.samples / samples.sample_rate
    empty = np.zeros(0, np.float32)
    return Measured(
        numbers=numbers,
        version=VERSION,
        spectrogram=spectrogram(spectrum) if spectrum else np.zeros((0, 0), np.float32),
        spectrum=mean_spectrum(spectrum) if spectrum else empty,
        frequencies=spectrum.frequencies if spectrum else empty,
    )


def _of_spectrum(samples: Samples, spectrum: Spectrum, envelope: Envelope, least: float, channel: int) -> Numbers:
    powers = envelope.powers()
    noise = flat_noise(spectrum, least)
    low, high = occupied_band(spectrum, noise)
    activity = find_bursts(
        powers,
        envelope.window,
        noise_power=noise.power,
        signal=noise.stands_out,
        noise_bandwidth=effective_bandwidth(spectrum),
        bandwidth=high - low,
    )
    if activity.has_gaps:
        gaps = activity.gaps(len(spectrum.rows), spectrum.step, spectrum.length)
        noise = noise_of_gaps(spectrum, gaps, activity.quietest, least)
    band = occupied_band(spectrum, noise)
    numbers: Numbers = {"duty_cycle": activity.duty_cycle, "burst_count": activity.burst_count}
    numbers |= noise_numbers(noise, activity.duty_cycle, band, spectrum)
    numbers |= measure_bandwidth(spectrum, noise)
    numbers |= shape(spectrum.mean(), float(spectrum.averages.sum()))
    if activity.burst_count:
        parts = closest_parts(samples, activity, powers, band, channel=channel)
        numbers |= measure_spreads(parts)
        if band[1] - band[0] > NARROWEST * spectrum.bin:
            numbers |= measure_symbols(parts)
    return numbers
