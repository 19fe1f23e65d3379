"""The made signals are what they say."""

import numpy as np
import pytest

from recordings import synthetic


def power(signal) -> float:
    return float(np.mean(np.abs(signal) ** 2))


def test_the_same_seed_makes_the_same_samples():
    first, again = (synthetic.examples(4096, seed=3) for _ in range(2))
    assert all(np.array_equal(one.samples, other.samples) for one, other in zip(first, again, strict=True))
    assert not np.array_equal(first[0].samples, synthetic.examples(4096, seed=4)[0].samples)


@pytest.mark.parametrize("order", [2, 4, 8])
def test_psk_through_its_matched_filter_is_its_symbols(order):
    signal = synthetic.psk(8000, order=order, samples_per_symbol=8, seed=1)
    times = (np.arange(-96, 97)) / 8
    matched = np.convolve(signal, synthetic._root_raised_cosine(times, 0.35), "same")[104:-104:1]
    symbols = matched[np.argmax([power(matched[start::8]) for start in range(8)]) :: 8]
    phases = np.angle(symbols) * order / (2 * np.pi)
    assert np.max(np.abs(phases - np.round(phases))) < 0.05
    assert np.std(np.abs(symbols)) / np.mean(np.abs(symbols)) < 0.05


def test_fsk_has_one_amplitude_and_two_frequencies():
    signal = synthetic.fsk(10_000, samples_per_symbol=20.0, index=1.0, seed=1)
    steps = np.angle(signal[1:] * signal[:-1].conj()) / (2 * np.pi)
    assert np.allclose(np.abs(signal), 1, atol=1e-5)
    assert np.allclose(np.abs(steps), 0.5 / 20, atol=1e-5) and 0.4 < np.mean(steps > 0) < 0.6


def test_bursts_take_their_share_of_the_time():
    on = np.abs(synthetic.bursts(synthetic.tone(10_000), number=5, duty_cycle=0.3)) > 0
    assert on.mean() == pytest.approx(0.3, abs=1e-3) and np.sum(np.diff(on.astype(int)) == 1) == 5


def test_noise_stands_at_its_ratio_below_the_signal():
    signal = synthetic.psk(100_000, order=4, samples_per_symbol=4.7, seed=1)
    added = synthetic.with_noise(signal, snr_db=7, seed=2) - signal
    assert 10 * np.log10(power(signal) / power(added)) == pytest.approx(7, abs=0.1)


def test_quantised_samples_are_whole_numbers_and_clipped_at_full_scale():
    signal = np.array([0.5 - 0.5j, 2 - 2j, 0], np.complex64)
    assert synthetic.quantised(signal, "ci16_le").tolist() == [16384, -16384, 32767, -32768, 0, 0]
    assert synthetic.quantised(signal, "cu8").tolist() == [192, 64, 255, 0, 128, 128]
    assert synthetic.quantised(signal, "ri16_le").tolist() == [16384, 32767, 0]
    assert synthetic.quantised(signal, "cf32_le").tolist() == [0.5, -0.5, 2, -2, 0, 0]
