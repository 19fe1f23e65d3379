"""Axes with round numbers on them."""

from __future__ import annotations

import math
from dataclasses import dataclass

PREFIXES = [(1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, "")]


@dataclass(frozen=True, slots=True)
class Axis:
    """A title, and the values at its beginning and its end; the end may be the smaller."""

    title: str
    first: float
    last: float


def frequency_axis(low: float, high: float, *, rate: float | None, centre: float | None) -> Axis:
    """low, high: cycles/sample. In Hz where the rate is known, about the centre frequency where that is known too."""
    if rate is None:
        return Axis("Frequency (cycles per sample)", low, high)
    factor, prefix = _prefix(max(abs(low), abs(high)) * rate)
    about = "" if centre is None else f", from {frequency(centre)}"
    return Axis(f"Frequency ({prefix}Hz{about})", low * rate / factor, high * rate / factor)


def time_axis(samples: int, *, rate: float | None) -> Axis:
    if rate is None:
        factor, prefix = _prefix(samples)
        return Axis(f"Time ({ {'': '', 'k': 'thousand ', 'M': 'million ', 'G': 'billion '}[prefix]}samples)".lstrip(),
                    0, samples / factor)  # fmt: skip
    seconds = samples / rate
    factor, unit = (60, "min") if seconds > 600 else (1, "s") if seconds >= 2 else (1e-3, "ms")
    factor, unit = (1e-6, "µs") if seconds < 2e-3 else (factor, unit)
    return Axis(f"Time ({unit})", 0, seconds / factor)


def frequency(hertz: float) -> str:
    """433.92 MHz."""
    factor, prefix = _prefix(abs(hertz))
    return f"{hertz / factor:.10g} {prefix}Hz"


def ticks(axis: Axis, most: int) -> list[tuple[float, str]]:
    """Round values on the axis, at most `most` and one: where along it, 0–1, and how each is written."""
    low, high = sorted((axis.first, axis.last))
    if not high > low or not math.isfinite(high - low):
        return []
    step = _step((high - low) / most)
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    numbers = range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)
    span = axis.last - axis.first
    return [((number * step - axis.first) / span, f"{number * step:,.{decimals}f}") for number in numbers]


def _step(least: float) -> float:
    """The next of 1, 2 and 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(power * times for times in (1, 2, 5, 10) if power * times >= least * (1 - 1e-9))


def _prefix(size: float) -> tuple[float, str]:
    return next((one for one in PREFIXES if size >= one[0]), PREFIXES[-1])
