"""Radio signals made by code, with known truth: the same seed makes the same samples.

Complex64 with full scale at 1.0. Frequencies in cycles/sample, powers as mean |x|².
"""

from dataclasses import dataclass, field

import numpy as np
from scipy.special import erf

Truth = dict[str, str | float | int | None]
SPAN = 12  # symbols that a pulse reaches to either side


@dataclass(frozen=True)
class Signal:
    """Samples and what is true of them: modulation, symbol_rate and occupied_bandwidth in cycles/sample, …"""

    name: str
    samples: np.ndarray
    truth: Truth = field(default_factory=dict)


def tone(count: int, *, offset: float = 0.0, power: float = 1.0) -> np.ndarray:
    """A carrier without modulation."""
    return (np.sqrt(power) * np.exp(2j * np.pi * offset * np.arange(count))).astype(np.complex64)


def noise(count: int, *, seed: int, power: float = 1.0) -> np.ndarray:
    """White and Gaussian over the whole sampled band."""
    drawn = np.random.default_rng(seed).standard_normal((count, 2), dtype=np.float32)
    return drawn.view(np.complex64).reshape(count) * np.float32(np.sqrt(power / 2))


def band_noise(count: int, *, seed: int, bandwidth: float, power: float = 1.0) -> np.ndarray:
    """Gaussian and white within `bandwidth` about 0, nothing outside."""
    spectrum = np.fft.fft(noise(count, seed=seed))
    spectrum[np.abs(np.fft.fftfreq(count)) > bandwidth / 2] = 0
    return to_power(np.fft.ifft(spectrum), power)


def psk(
    count: int, *, order: int, samples_per_symbol: float, rolloff: float = 0.35, seed: int, power: float = 1.0
) -> np.ndarray:
    """Phases of a random sequence in root-raised-cosine pulses. order 2 is BPSK, 4 QPSK; any length of symbols."""
    symbols = np.exp(2j * np.pi * _draw(count, samples_per_symbol, order, seed) / order)
    return to_power(_shape(count, symbols, samples_per_symbol, lambda t: _root_raised_cosine(t, rolloff)), power)


def fsk(
    count: int, *, samples_per_symbol: float, index: float = 1.0, bt: float | None = None, seed: int, power: float = 1.0
) -> np.ndarray:
    """Two frequencies `index` symbol rates apart, without jumps of the phase. bt: of the Gaussian filter, GFSK."""
    bits = 2.0 * _draw(count, samples_per_symbol, 2, seed) - 1
    steps = _shape(count, bits, samples_per_symbol, lambda t: _step(t, bt)).real
    phase = np.pi * index / samples_per_symbol * np.cumsum(steps)
    return (np.sqrt(power) * np.exp(1j * phase)).astype(np.complex64)


def ook(count: int, *, samples_per_symbol: float, seed: int, power: float = 1.0) -> np.ndarray:
    """A carrier that is on for ones and off for zeros. power: while it is on."""
    bits = _draw(count, samples_per_symbol, 2, seed)
    return (np.sqrt(power) * bits[_positions(count, samples_per_symbol)]).astype(np.complex64)


def bursts(signal: np.ndarray, *, number: int, duty_cycle: float) -> np.ndarray:
    """The signal in `number` equal bursts, evenly spread, which take `duty_cycle` of the time; silence between."""
    place = (np.arange(len(signal)) * number / len(signal)) % 1
    low = (1 - duty_cycle) / 2
    return np.where((place >= low) & (place < low + duty_cycle), signal, 0).astype(np.complex64)


def shift(signal: np.ndarray, offset: float) -> np.ndarray:
    """Moved up in frequency."""
    return (signal * np.exp(2j * np.pi * offset * np.arange(len(signal)))).astype(np.complex64)


def with_noise(signal: np.ndarray, *, snr_db: float, seed: int, power: float = 1.0) -> np.ndarray:
    """With white noise over the sampled band. snr_db: against `power`, that of the signal while it is on."""
    return signal + noise(len(signal), seed=seed, power=power / 10 ** (snr_db / 10))


def to_power(signal: np.ndarray, power: float) -> np.ndarray:
    mean = float(np.mean(np.abs(signal) ** 2)) if len(signal) else 0.0
    return (signal * np.sqrt(power / mean)).astype(np.complex64) if mean else signal.astype(np.complex64)


def quantised(signal: np.ndarray, datatype: str) -> np.ndarray:
    """What a file of SigMF type ci16_le, ci8, cu8, ri16_le or cf32_le holds; beyond full scale it is clipped."""
    if datatype == "cf32_le":
        return signal.astype("<c8").view("<f4")
    parts = signal.real if datatype.startswith("r") else np.ascontiguousarray(signal, np.complex64).view(np.float32)
    kind, bits = datatype[1], int(datatype[2:].split("_")[0])
    half = 1 << (bits - 1)
    whole = np.clip(np.round(parts * half), -half, half - 1)
    return (whole + half if kind == "u" else whole).astype(f"<{kind}{bits // 8}")


def examples(count: int = 1 << 17, *, seed: int = 7) -> list[Signal]:
    """One of each kind at −12 dBFS, 20 dB above the noise, a little off centre."""
    power, snr_db = 10**-1.2, 20
    plain: list[tuple[str, np.ndarray, Truth]] = [
        ("carrier", tone(count), {"modulation": "none"}),
        ("bpsk", psk(count, order=2, samples_per_symbol=8, seed=seed), {"modulation": "BPSK", "symbol_rate": 1 / 8}),
        ("qpsk", psk(count, order=4, samples_per_symbol=5, seed=seed), {"modulation": "QPSK", "symbol_rate": 1 / 5}),
        ("fsk", fsk(count, samples_per_symbol=20, seed=seed), {"modulation": "FSK", "symbol_rate": 1 / 20}),
        (
            "gfsk-bursts",
            bursts(fsk(count, samples_per_symbol=10, index=0.5, bt=0.5, seed=seed), number=6, duty_cycle=0.4),
            {"modulation": "GFSK", "symbol_rate": 1 / 10, "duty_cycle": 0.4, "burst_count": 6},
        ),
        (
            "ook-bursts",
            bursts(ook(count, samples_per_symbol=64, seed=seed), number=4, duty_cycle=0.5),
            {"modulation": "OOK", "symbol_rate": 1 / 64, "duty_cycle": 0.5, "burst_count": 4},
        ),
        ("band-noise", band_noise(count, seed=seed, bandwidth=0.2), {"modulation": "noise", "bandwidth": 0.2}),
    ]
    made = [Signal("noise", noise(count, seed=seed, power=power / 100), {"modulation": "none", "snr_db": None})]
    for number, (name, signal, truth) in enumerate(plain):
        offset = 0.03 * (number - 3)
        samples = shift(signal, offset) * np.float32(np.sqrt(power))
        noisy = with_noise(samples, snr_db=snr_db, seed=seed + number + 1, power=power)
        made.append(Signal(name, noisy, truth | {"snr_db": snr_db, "centre_offset": offset}))
    return made


def _draw(count: int, samples_per_symbol: float, order: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, order, int(count / samples_per_symbol) + 2 * SPAN + 2)


def _positions(count: int, samples_per_symbol: float) -> np.ndarray:
    return (np.arange(count) / samples_per_symbol).astype(np.int64) + SPAN


def _shape(count: int, symbols: np.ndarray, samples_per_symbol: float, pulse) -> np.ndarray:
    """Sum of pulses, one for each symbol; `pulse` of the time in symbols from the middle of its own."""
    times = np.arange(count) / samples_per_symbol
    here = times.astype(np.int64)
    within = times - here - 0.5
    result = np.zeros(count, complex)
    for away in range(-SPAN, SPAN + 1):
        result += symbols[here + SPAN + away] * pulse(within - away)
    return result


def _step(time: np.ndarray, bt: float | None) -> np.ndarray:
    """One symbol of constant frequency; bt: bandwidth × symbol time of a Gaussian filter (Murota and Hirade, 1981)."""
    if bt is None:
        return ((time >= -0.5) & (time < 0.5)).astype(float)
    width = np.pi * bt * np.sqrt(2 / np.log(2))
    return (erf(width * (time + 0.5)) - erf(width * (time - 0.5))) / 2


def _root_raised_cosine(time: np.ndarray, rolloff: float) -> np.ndarray:
    """Of unit symbol time (Proakis, Digital Communications, 9.2)."""
    angle, four = np.pi * time, 4 * rolloff * time
    with np.errstate(divide="ignore", invalid="ignore"):
        result = (np.sin(angle * (1 - rolloff)) + four * np.cos(angle * (1 + rolloff))) / (angle * (1 - four**2))
    result[np.abs(time) < 1e-9] = 1 + rolloff * (4 / np.pi - 1)
    edge = np.pi / (4 * rolloff) if rolloff else 0.0
    at_edge = (1 + 2 / np.pi) * np.sin(edge) + (1 - 2 / np.pi) * np.cos(edge)
    result[np.abs(np.abs(four) - 1) < 1e-9] = rolloff / np.sqrt(2) * at_edge
    return result
