"""How many symbols pass in a second: the lines that their clock leaves in spectra."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import fft

from recordings.signal.parts import Part

STRETCH = 1 << 13  # samples that are looked at alone: a short burst must not drown in the noise about it
FEWEST_SYMBOLS = 24
STRONG = 40.0  # a line's power over the median about it: white noise showed none in 200 recordings
NEIGHBOURS = 32  # bins of that median
PEAKS = 3  # lines that a spectrum may tell
VISIBLE = 10.0  # a harmonic of a strong line
DEEPEST_HARMONIC = 50.0
HARMONICS = 64
COMPLETE = 0.75  # of a line's lower multiples are lines too
SAME = 0.01  # relative difference of frequencies that are one line
SILENCE = 1e-30
FLATTEST = 1e-2  # of the strongest: weaker parts of a band are not raised when it is whitened


@dataclass(frozen=True)
class Line:
    """frequency: cycles/sample of the recording. strength: power over the median about it. width: of a bin."""

    frequency: float
    strength: float
    width: float


def measure_symbols(parts: Sequence[Part]) -> dict[str, float | None]:
    """symbol_rate: symbols/sample, null without a clear line. symbol_line_db: the line's power over its surroundings,
    10·log₁₀ of it to the median of the bins about it.

    Modulated signals are cyclostationary: what they do at the change of symbols repeats in the mean, which is a line in
    the spectrum of |y| and its like (Gardner, IEEE Signal Processing Magazine 8(2), 1991). Three messages are looked
    at: the signal (PSK, ASK), its instantaneous frequency (FSK) and, of real samples, these themselves (the output of
    an FM receiver): the magnitude of each when its spectrum is made flat, and the size of its steps. Each over all of a
    part and over short stretches, so that a burst stands out of the time about it. A line whose fractions are lines too
    is a harmonic. Every line found votes for its frequency by the logarithm of its strength.
    """
    found = [line for part in parts for values, rate in _clocked(part) for line in _lines(values, rate)]
    best = _elected(found)
    return {
        "symbol_rate": best.frequency if best else None,
        "symbol_line_db": 10 * math.log10(best.strength) if best else None,
    }


def _clocked(part: Part) -> Iterator[tuple[np.ndarray, float]]:
    """What has the clock of symbols in it, and its samples for each of the recording's."""
    amplitude = np.abs(part.baseband)
    frequency = np.angle(part.baseband[1:] * part.baseband[:-1].conj())
    yield np.abs(_whitened(part.baseband)), part.rate
    yield np.abs(np.diff(amplitude)), part.rate
    yield np.abs(_whitened(frequency - frequency.mean())), part.rate
    yield np.abs(np.diff(frequency)), part.rate
    if part.waveform is not None:
        yield np.abs(_whitened(part.waveform - part.waveform.mean())), 1.0
        yield np.abs(np.diff(part.waveform)), 1.0


def _whitened(values: np.ndarray) -> np.ndarray:
    """With a flat spectrum where it has one at all: a clock shows in what lies half its frequency off the middle."""
    spectrum = fft.fft(values, workers=1)
    power = spectrum.real**2 + spectrum.imag**2
    reach = max(len(values) // 512, 8)
    sums = np.cumsum(np.concatenate([power[-reach:], power, power[: reach + 1]]), dtype=np.float64)
    smooth = (sums[2 * reach + 1 :] - sums[: -2 * reach - 1])[: len(values)]
    spectrum /= np.sqrt(np.maximum(smooth, smooth.max() * FLATTEST + SILENCE)).astype(np.float32)
    result = fft.ifft(spectrum, overwrite_x=True, workers=1)
    return result if np.iscomplexobj(values) else result.real


def _lines(values: np.ndarray, rate: float) -> Iterator[Line]:
    """The strongest lines of stretches half overlapping, and of everything."""
    lengths = {min(STRETCH, len(values)), len(values)}
    for length in lengths:
        starts = range(0, len(values) - length + 1, max(length // 2, 1))
        stretches = np.stack([values[start : start + length] for start in starts])
        stretches = (stretches - stretches.mean(axis=1, keepdims=True)) * np.hanning(length).astype(np.float32)
        spectra = fft.rfft(stretches, axis=1, workers=1)
        power = spectra.real**2 + spectra.imag**2
        width = rate / length
        first, last = FEWEST_SYMBOLS, min(power.shape[1] - 2, int(0.5 / width))
        if last - first < 2 * NEIGHBOURS:
            continue
        ratio = power / _floor(power)
        for row, strengths in zip(power, ratio, strict=True):
            inside = strengths[first:last]
            for _ in range(PEAKS):
                at = int(inside.argmax()) + first
                if strengths[at] < STRONG:
                    break
                times = _harmonic(strengths, at)
                yield Line(_refined(row, at) * width / times, float(strengths[at]), width / times)
                strengths[max(at - 4, 0) : at + 5] = 0


def _elected(lines: list[Line]) -> Line | None:
    """The frequency with most votes, or a half, third or quarter of it that has half as many; at its finest."""
    if not lines:
        return None
    frequency = np.array([line.frequency for line in lines])
    width = np.array([line.width for line in lines])
    strength = np.array([line.strength for line in lines])
    apart = np.abs(frequency[:, np.newaxis] - frequency)
    same = apart <= np.maximum(np.maximum(SAME * frequency, width), width[:, np.newaxis])
    votes = same @ np.log(strength)
    winner = int(votes.argmax())
    for part in (2, 3, 4):
        lower = np.flatnonzero(np.abs(frequency * part / frequency[winner] - 1) < SAME)
        if len(lower) and votes[lower].max() > votes[winner] / 2:
            winner = int(lower[votes[lower].argmax()])
    return lines[int(np.where(same[winner], strength / width, 0).argmax())]


def _harmonic(strengths: np.ndarray, at: int) -> int:
    """Which multiple of the lowest line a line is: that of which (nearly) all multiples up to it are lines."""
    least = max(VISIBLE, strengths[at] / DEEPEST_HARMONIC)
    possible = np.arange(min(HARMONICS, at // FEWEST_SYMBOLS), 1, -1)
    for times in possible[_near(strengths, at / possible) >= least].tolist():
        if (_near(strengths, np.arange(1, times) * (at / times)) >= least).mean() >= COMPLETE:
            return times
    return 1


def _near(strengths: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The strongest of each place's own bin and its two neighbours."""
    return strengths[np.rint(places).astype(np.int64)[:, np.newaxis] + np.arange(-1, 2)].max(axis=1, initial=0)


def _refined(power: np.ndarray, at: int) -> float:
    """Between bins, by a parabola through the logarithms."""
    if not 0 < at < len(power) - 1:
        return float(at)
    before, here, after = np.log(np.maximum(power[at - 1 : at + 2], SILENCE)).tolist()
    bend = before - 2 * here + after
    return at + 0.5 * (before - after) / bend if bend else float(at)


def _floor(power: np.ndarray) -> np.ndarray:
    """The median of the bins about each."""
    whole = power.shape[1] // NEIGHBOURS
    medians = np.median(power[:, : whole * NEIGHBOURS].reshape(len(power), whole, NEIGHBOURS), axis=2)
    floor = np.repeat(medians, NEIGHBOURS, axis=1)
    floor = np.pad(floor, ((0, 0), (0, power.shape[1] - floor.shape[1])), mode="edge")
    return np.maximum(floor, power.max(axis=1, keepdims=True) * 1e-9 + SILENCE)
