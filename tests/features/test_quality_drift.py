"""PSI and KS by hand, against scipy, and as properties."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.quality import drift

numbers = st.floats(-1e9, 1e9)
samples = st.lists(numbers, min_size=1, max_size=200)
few_values = st.lists(st.integers(0, 4).map(float), min_size=1, max_size=100)
counts = st.lists(st.integers(0, 10_000), min_size=2, max_size=12).filter(any)


def test_psi_by_hand():
    """Halves that became a quarter and three quarters: (0.25 - 0.5) ln(0.25 / 0.5) + (0.75 - 0.5) ln(0.75 / 0.5)."""
    assert drift.psi([500, 500], [25, 75]) == pytest.approx(0.25 * math.log(2) + 0.25 * math.log(1.5))
    assert drift.psi([500, 500], [25, 75]) == pytest.approx(0.27465, abs=1e-5)


def test_an_empty_bin_costs_much_and_not_everything():
    assert drift.psi([100, 0], [0, 100]) == pytest.approx(2 * (1 - 1e-4) * math.log(1e4))


@given(st.data())
def test_psi_is_never_below_zero_symmetric_and_blind_to_size(data):
    before = data.draw(counts)
    now = data.draw(st.lists(st.integers(0, 10_000), min_size=len(before), max_size=len(before)).filter(any))
    found = drift.psi(before, now)
    assert found >= 0
    assert found == pytest.approx(drift.psi(now, before))
    assert found == pytest.approx(drift.psi([7 * n for n in before], [3 * n for n in now]))
    assert drift.psi(before, before) == 0


@settings(deadline=None)  # scipy is imported by the first example
@given(st.data())
def test_psi_is_what_scipy_gives_for_full_bins(data):
    special = pytest.importorskip("scipy.special")
    before = data.draw(st.lists(st.integers(50, 5_000), min_size=2, max_size=12))
    now = data.draw(st.lists(st.integers(50, 5_000), min_size=len(before), max_size=len(before)))
    r, c = [n / sum(before) for n in before], [n / sum(now) for n in now]
    expected = float((special.rel_entr(c, r) + special.rel_entr(r, c)).sum())
    assert drift.psi(before, now) == pytest.approx(expected, abs=1e-12)


@settings(deadline=None)  # scipy is imported by the first example
@given(samples | few_values, samples | few_values)
def test_ks_is_the_statistic_of_scipy(before, now):
    stats = pytest.importorskip("scipy.stats")
    expected = stats.ks_2samp(before, now, method="asymp").statistic
    assert drift.ks(before, now) == pytest.approx(float(expected), abs=1e-12)


def test_ks_by_hand():
    assert drift.ks([1, 2, 3, 4], [3, 4, 5, 6]) == 0.5
    assert drift.ks([1, 2], [1, 2]) == 0 and drift.ks([1], [2]) == 1


def test_a_side_without_values_has_no_distance():
    assert drift.psi([], []) is None and drift.psi([0, 0], [1, 2]) is None and drift.ks([], [1]) is None


@pytest.mark.parametrize(
    ("psi", "n", "reference_n", "level"),
    [
        (0.0, 200, 200, "steady"),
        (0.0999, 5_000, 5_000, "steady"),
        (0.10, 200, 200, "watch"),
        (0.2499, 200, 200, "watch"),
        (0.25, 200, 200, "drifted"),
        (9.0, 199, 5_000, "too_few"),
        (9.0, 5_000, 199, "too_few"),
        (None, 5_000, 0, "no_reference"),
        (None, 0, 5_000, "too_few"),
    ],
)
def test_levels(psi, n, reference_n, level):
    assert drift.level(psi, n, reference_n) == level


def test_the_edges_of_a_hundred_numbers_are_its_deciles():
    assert drift.edges([float(n) for n in range(100)]) == [9, 19, 29, 39, 49, 59, 69, 79, 89]


@given(samples | few_values)
def test_every_value_is_in_one_bin_and_edges_rise(values):
    begins = drift.edges(values)
    assert begins == sorted(set(begins)) and len(begins) <= 10
    assert sum(drift.histogram(values, begins)) == len(values)


@given(samples | few_values)
def test_what_exceeds_or_undercuts_a_constant_falls_into_other_bins(values):
    constant = [values[0]] * 50
    begins = drift.edges(constant)
    for other in (values[0] + 1 + abs(values[0]), values[0] - 1 - abs(values[0])):
        assert drift.psi(drift.histogram(constant, begins), drift.histogram([other] * 50, begins)) > drift.DRIFTED


@given(st.lists(numbers, max_size=500), st.integers(1, 100))
def test_a_thinned_sample_is_a_part_that_lies_close(values, most):
    thinned = drift.thin(values, most)
    assert len(thinned) == min(len(values), most)
    assert set(thinned) <= set(values)
    if values:
        assert drift.ks(values, thinned) <= 1 / len(thinned)
