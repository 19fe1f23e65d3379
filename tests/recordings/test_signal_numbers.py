"""What is measured on signals whose truth is known."""

import math

import numpy as np
import pytest

from recordings import synthetic
from recordings.signal import measure
from recordings.signal.memory import ArraySamples

COUNT = 1 << 15
BIN = 1 / 256  # of the spectrum of as many samples


def numbers(values, sample_rate=None, datatype="") -> dict:
    return measure(ArraySamples(values, sample_rate, datatype)).numbers


def psk(**more):
    return synthetic.psk(COUNT, **({"order": 4, "samples_per_symbol": 8, "seed": 1} | more))


def fsk(**more):
    return synthetic.fsk(COUNT, **({"samples_per_symbol": 20, "seed": 1} | more))


def noisy(signal, snr_db=25, seed=9):
    return synthetic.with_noise(signal, snr_db=snr_db, seed=seed)


def test_a_full_scale_tone_has_0_dbfs_and_a_constant_envelope():
    found = numbers(synthetic.tone(COUNT, offset=0.1234))
    assert found["mean_power_dbfs"] == pytest.approx(0, abs=1e-3)
    assert found["peak_power_dbfs"] == pytest.approx(0, abs=1e-3)
    assert found["papr_db"] == pytest.approx(0, abs=1e-3)
    assert found["crest_factor_db"] == pytest.approx(10 * math.log10(2), abs=1e-2)
    assert found["amplitude_kurtosis"] == pytest.approx(1, abs=1e-4)
    assert found["amplitude_spread"] < 0.05 and found["frequency_spread"] < 2e-4
    assert found["centre_offset"] == pytest.approx(0.1234, abs=1e-4)
    assert found["spectral_flatness"] < 1e-3 and found["spectral_entropy"] < 0.2
    assert (found["duty_cycle"], found["burst_count"], found["symbol_rate"]) == (1, 1, None)


def test_a_real_sine_is_as_strong_as_a_complex_tone():
    found = numbers(np.sin(2 * np.pi * 0.0987 * np.arange(COUNT)).astype(np.float32))
    assert found["mean_power_dbfs"] == pytest.approx(0, abs=0.02)
    assert found["papr_db"] == pytest.approx(0, abs=0.2)
    assert found["crest_factor_db"] == pytest.approx(10 * math.log10(2), abs=1e-2)
    assert found["centre_offset"] == pytest.approx(0.0987, abs=1e-4)
    assert found["occupied_bandwidth"] < 4 * BIN


def test_white_noise_is_flat_and_gaussian_and_no_signal():
    found = numbers(synthetic.noise(COUNT, seed=1, power=0.01))
    assert found["noise_floor_dbfs"] == pytest.approx(-20, abs=0.1) == found["mean_power_dbfs"]
    assert found["amplitude_kurtosis"] == pytest.approx(2, abs=0.05)
    assert found["spectral_flatness"] > 0.99 and found["spectral_entropy"] > 0.99
    assert found["occupied_bandwidth"] == pytest.approx(0.99, abs=0.002)
    assert (found["duty_cycle"], found["burst_count"]) == (0, 0)
    nothing = ["snr_db", "centre_offset", "symbol_rate", "bandwidth_26db", "amplitude_spread", "phase_spread"]
    assert [found[name] for name in nothing] == [None] * 6


def test_noise_is_rarely_taken_for_a_signal():
    found = [numbers(synthetic.noise(1 << 13, seed=seed)) for seed in range(100)]
    assert sum(one["burst_count"] > 0 for one in found) <= 3 and {one["symbol_rate"] for one in found} == {None}


@pytest.mark.parametrize("bandwidth", [0.05, 0.2, 0.6])
def test_the_occupied_bandwidth_of_filtered_noise_is_99_hundredths_of_it(bandwidth):
    found = numbers(noisy(synthetic.band_noise(COUNT, seed=1, bandwidth=bandwidth), snr_db=30))
    assert found["occupied_bandwidth"] == pytest.approx(0.99 * bandwidth, abs=2 * BIN)
    assert found["bandwidth_26db"] == pytest.approx(bandwidth, abs=4 * BIN)
    assert found["snr_db"] == pytest.approx(30, abs=0.5)


SIGNALS = {
    "tone": synthetic.tone(COUNT, offset=0.1),
    "bpsk": psk(order=2, samples_per_symbol=10),
    "qpsk": psk(samples_per_symbol=3),
    "fsk": fsk(index=0.7),
    "gfsk": fsk(samples_per_symbol=8, index=0.5, bt=0.5),
    "noise": synthetic.band_noise(COUNT, seed=1, bandwidth=0.4),
}


@pytest.mark.parametrize("name", SIGNALS)
@pytest.mark.parametrize("snr_db", [-5, 5, 30])
def test_the_signal_to_noise_ratio_is_right_within_a_decibel(name, snr_db):
    found = numbers(noisy(SIGNALS[name], snr_db))
    assert found["snr_db"] == pytest.approx(snr_db, abs=1)
    assert found["noise_floor_dbfs"] == pytest.approx(-snr_db, abs=1)
    assert (found["duty_cycle"], found["burst_count"]) == (1, 1)


@pytest.mark.parametrize(("number", "duty_cycle"), [(1, 0.5), (3, 0.2), (7, 0.6), (12, 0.1)])
@pytest.mark.parametrize("snr_db", [5, 30])
def test_bursts_are_counted_and_their_ratio_is_that_while_they_are_on(number, duty_cycle, snr_db):
    found = numbers(noisy(synthetic.bursts(fsk(samples_per_symbol=10), number=number, duty_cycle=duty_cycle), snr_db))
    assert found["burst_count"] == number
    assert found["duty_cycle"] == pytest.approx(duty_cycle, abs=0.02)
    assert found["snr_db"] == pytest.approx(snr_db, abs=1)


def test_zeros_of_on_off_keying_do_not_split_a_burst():
    keyed = synthetic.ook(COUNT, samples_per_symbol=64, seed=2)
    found = numbers(noisy(synthetic.bursts(keyed, number=4, duty_cycle=0.4)))
    assert found["burst_count"] == 4 and found["duty_cycle"] == pytest.approx(0.4, abs=0.03)
    assert found["symbol_rate"] == pytest.approx(1 / 64, rel=0.01)


PACED = {
    "bpsk": lambda pace, seed: psk(order=2, samples_per_symbol=pace, seed=seed),
    "qpsk": lambda pace, seed: psk(samples_per_symbol=pace, seed=seed),
    "8psk": lambda pace, seed: psk(order=8, rolloff=0.25, samples_per_symbol=pace, seed=seed),
    "fsk": lambda pace, seed: fsk(samples_per_symbol=pace, seed=seed),
    "gfsk": lambda pace, seed: fsk(samples_per_symbol=pace, index=0.5, bt=0.5, seed=seed),
}


@pytest.mark.parametrize("kind", PACED)
@pytest.mark.parametrize("pace", [3.3, 25.7, 100])
def test_the_symbol_rate_is_right_within_a_hundredth(kind, pace):
    signal = synthetic.shift(PACED[kind](pace, int(pace)), 0.07)
    assert numbers(noisy(signal, 15))["symbol_rate"] == pytest.approx(1 / pace, rel=0.01)


def test_the_symbol_rate_of_a_short_burst_in_loud_noise_is_found():
    """As an FM receiver gives it: noise when nobody sends, the message when somebody does."""
    bits = np.repeat(np.random.default_rng(3).integers(0, 2, 1600) * 2 - 1, 5).astype(np.float32)
    message = 0.2 * np.convolve(bits, np.hanning(7) / 3, "same").astype(np.float32)
    quiet = 0.4 * synthetic.noise(COUNT, seed=5).real
    quiet[20_000:28_000] = message + 0.05 * quiet[20_000:28_000]
    assert numbers(quiet)["symbol_rate"] == pytest.approx(0.2, rel=0.01)


def test_spreads_tell_modulations_apart():
    found = {name: numbers(noisy(signal)) for name, signal in SIGNALS.items()}
    on_off = numbers(
        noisy(synthetic.bursts(synthetic.ook(COUNT, samples_per_symbol=64, seed=2), number=4, duty_cycle=0.4))
    )
    assert found["fsk"]["amplitude_spread"] < 0.1 < found["qpsk"]["amplitude_spread"] < 0.6 < on_off["amplitude_spread"]
    assert found["fsk"]["frequency_spread"] == pytest.approx(0.7 / 20 / 2, rel=0.1)
    assert found["tone"]["phase_spread"] < 0.2 < 1 < found["bpsk"]["phase_spread"]
    assert found["bpsk"]["phase_spread_2"] < 0.5 < 1 < found["qpsk"]["phase_spread_2"]
    assert found["qpsk"]["phase_spread_4"] < 1.2 < found["noise"]["phase_spread_4"]


def test_what_is_wrong_with_samples_is_said():
    whole = synthetic.quantised(psk() * 1.0, "ci8").astype(np.float32) / 128
    found = numbers(whole.view(np.complex64), datatype="ci8")
    at_ends = ((whole == -1) | (whole == 127 / 128)).reshape(-1, 2).any(axis=1)
    assert found["clipped_share"] == at_ends.mean()
    assert found["clipped_share"] > 0.05
    assert numbers(psk() * 0.1)["clipped_share"] == 0
    assert numbers(psk() * 0.1 + np.complex64(0.3 - 0.4j))["dc_offset_dbfs"] == pytest.approx(-6.02, abs=0.05)


def test_rounding_to_8_bits_is_a_noise_that_no_recording_is_below():
    silence = synthetic.bursts(synthetic.tone(COUNT, offset=0.1, power=0.25), number=2, duty_cycle=0.5)
    whole = synthetic.quantised(silence, "ci8").astype(np.float32) / 128
    assert numbers(whole.view(np.complex64), datatype="ci8")["noise_floor_dbfs"] > -50


def test_hertz_are_only_said_with_a_sample_rate():
    signal = noisy(psk())
    without, found = numbers(signal), numbers(signal, 2e6)
    in_hertz = [name for name in without if name.endswith("_hz")]
    assert len(in_hertz) == 5 and {without[name] for name in [*in_hertz, "duration_s"]} == {None}
    assert found["duration_s"] == pytest.approx(COUNT / 2e6)
    for name in in_hertz:
        assert found[name] == pytest.approx(2e6 * found[name.removesuffix("_hz")])
