"""What must hold for any signal: louder, moved, cut into other blocks, broken."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recordings import synthetic
from recordings.signal import measure
from recordings.signal.measuring import NAMES
from recordings.signal.memory import ArraySamples

COUNT = 1 << 14
POWERS = {"mean_power_dbfs", "peak_power_dbfs", "noise_floor_dbfs", "dc_offset_dbfs"}
kinds = st.sampled_from(
    [
        synthetic.with_noise(signal, snr_db=15, seed=8)
        for signal in (
            synthetic.psk(COUNT, order=4, samples_per_symbol=6, seed=1),
            synthetic.fsk(COUNT, samples_per_symbol=12, seed=2),
            synthetic.bursts(synthetic.psk(COUNT, order=2, samples_per_symbol=5, seed=3), number=3, duty_cycle=0.4),
        )
    ]
)


def measured(values, **more):
    return measure(ArraySamples(values), **more)


def numbers(values) -> dict:
    return measured(values).numbers


@settings(max_examples=8, deadline=None)
@given(kinds, st.floats(-60, 60))
def test_louder_by_some_decibels_moves_powers_by_them_and_leaves_shapes(signal, gain_db):
    before, after = numbers(signal), numbers(signal * np.float32(10 ** (gain_db / 20)))
    for name in [name for name in NAMES if before[name] is not None and name != "clipped_share"]:
        expected = before[name] + gain_db if name in POWERS else before[name]
        assert after[name] == pytest.approx(expected, rel=2e-3, abs=2e-3), name


@settings(max_examples=8, deadline=None)
@given(kinds, st.floats(-0.3, 0.3))
def test_moved_in_frequency_only_the_centre_moves(signal, offset):
    before, after = numbers(signal), numbers(synthetic.shift(signal, offset))
    assert after["centre_offset"] == pytest.approx(before["centre_offset"] + offset, abs=2e-3)
    assert after["occupied_bandwidth"] == pytest.approx(before["occupied_bandwidth"], abs=5e-3)
    assert after["snr_db"] == pytest.approx(before["snr_db"], abs=0.2)
    assert after["symbol_rate"] == pytest.approx(before["symbol_rate"], rel=1e-2)
    for name in ("amplitude_kurtosis", "papr_db", "burst_count", "duty_cycle"):
        assert after[name] == pytest.approx(before[name], rel=1e-3)
    for name in ("amplitude_spread", "frequency_spread", "phase_spread"):
        assert after[name] == pytest.approx(before[name], rel=0.05)


@settings(max_examples=4, deadline=None)
@given(block=st.integers(1000, 300_000), is_complex=st.booleans())
def test_however_it_is_read_the_numbers_are_the_same(block, is_complex):
    signal = synthetic.with_noise(synthetic.psk(100_000, order=4, samples_per_symbol=6, seed=1), snr_db=15, seed=8)
    signal = signal if is_complex else signal.real
    whole, cut = measured(signal), measured(signal, block=block)
    assert whole.numbers == cut.numbers
    assert np.array_equal(whole.spectrogram, cut.spectrogram) and np.array_equal(whole.spectrum, cut.spectrum)


odd = st.sampled_from([0.0, 1.0, -1.0, 1e-30, 1e30, 3e38, math.nan, math.inf, -math.inf, 0.25])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(odd, odd), max_size=12), st.sampled_from([1, 7, 300, 5000]), st.booleans())
def test_any_samples_give_numbers_that_json_can_hold(values, times, is_complex):
    parts = np.array(values * times, np.float32).reshape(-1, 2)
    found = measured(parts.view(np.complex64).reshape(-1) if is_complex else parts[:, 0].copy())
    assert set(found.numbers) == set(NAMES)
    json.dumps(found.numbers, allow_nan=False)
    assert not np.isnan(found.spectrogram).any() and not np.isnan(found.spectrum).any()


@pytest.mark.parametrize("count", [0, 1, 2, 100, 255])
@pytest.mark.parametrize("is_complex", [True, False])
def test_too_few_samples_have_powers_and_no_spectrum(count, is_complex):
    signal = synthetic.tone(count, offset=0.1)
    found = numbers(signal if is_complex else signal.real)
    assert found["sample_count"] == count and (found["mean_power_dbfs"] is None) == (count == 0)
    assert {found[name] for name in ("snr_db", "occupied_bandwidth", "symbol_rate", "duty_cycle")} == {None}


def test_silence_has_no_power_and_no_spectrum():
    found = numbers(np.zeros(COUNT, np.complex64))
    known = {name: value for name, value in found.items() if value is not None}
    assert known == {"clipped_share": 0, "invalid_share": 0, "sample_count": COUNT}


@pytest.mark.parametrize("is_complex", [True, False])
def test_samples_that_are_no_numbers_are_counted_and_left_out(is_complex):
    signal = synthetic.with_noise(synthetic.psk(COUNT, order=4, samples_per_symbol=6, seed=1), snr_db=15, seed=8)
    signal = signal if is_complex else np.ascontiguousarray(signal.real)
    broken = signal.copy()
    broken[::100] = [math.nan, math.inf, 1e30, -math.inf] * (len(broken[::100]) // 4)
    before, after = numbers(signal), numbers(broken)
    assert after["invalid_share"] == pytest.approx(0.01, abs=1e-3)
    assert after["mean_power_dbfs"] == pytest.approx(before["mean_power_dbfs"], abs=0.1)
    assert after["symbol_rate"] == pytest.approx(before["symbol_rate"], rel=1e-2)
    assert np.isfinite([value for value in after.values() if value is not None]).all()
    assert numbers(np.full(COUNT, math.nan, signal.dtype))["invalid_share"] == 1


def test_only_direct_current_is_a_line_at_the_receivers_own_frequency():
    found = numbers(np.full(COUNT, 0.5, np.complex64))
    assert found["dc_offset_dbfs"] == pytest.approx(-6.02, abs=0.01) == found["mean_power_dbfs"]
    assert found["centre_offset"] == pytest.approx(0, abs=1e-3)


def test_pictures_are_small_and_in_the_order_of_frequency():
    found = measured(synthetic.with_noise(synthetic.tone(1 << 18, offset=0.25), snr_db=30, seed=1))
    assert found.spectrogram.shape[0] <= 512 and found.spectrogram.shape[1] <= 512
    assert found.frequencies[found.spectrum.argmax()] == pytest.approx(0.25, abs=1e-3)
    assert set(found.spectrogram.argmax(axis=1)) == {int(0.75 * found.spectrogram.shape[1])}
    assert 10 * np.log10(np.sum(10 ** (found.spectrum / 10))) == pytest.approx(0, abs=0.05)


def test_each_number_is_explained_in_the_docs():
    table = (Path(__file__).parents[2] / "docs" / "recordings-features.md").read_text(encoding="utf-8")
    assert [name for name in NAMES if f"`{name}`" not in table] == []
