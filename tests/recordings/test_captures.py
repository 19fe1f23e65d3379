"""Captured recordings whose modulation or symbol rate is known.

They lie beside the checkout (MILLRACE_SHARED_DATA or ../shared/data); elsewhere these tests are skipped.
"""

import os
from pathlib import Path

import pytest

from recordings.checking import check, families

BESIDE = Path(__file__).parents[2].parent / "shared" / "data"
DATA = Path(os.environ.get("MILLRACE_SHARED_DATA") or BESIDE) / "rf_sigmf"
pytestmark = pytest.mark.skipif(not (DATA / "index.csv").exists(), reason=f"no captured recordings in {DATA}")


@pytest.fixture(scope="module")
def checked():
    return check(DATA)


def test_symbol_rates_of_24_captures_are_right(checked):
    assert sum(one.rate_is_right or False for one in checked) >= 24


def test_modulations_are_told_better_than_by_always_naming_the_most_frequent(checked):
    right, of, most = families(checked)
    assert right / of > most + 0.1


def test_annotated_bursts_stand_out_of_the_spectrogram(checked):
    assert [one.detection > 0.99 for one in checked if one.detection] == [True]


def test_the_spread_of_the_amplitude_separates_fsk_from_on_off_keying(checked):
    spread = {one.name: one.measured.numbers["amplitude_spread"] for one in checked}
    assert max(spread["urh-fsk"], spread["urh-fsk_live"]) < 0.1
    assert min(spread["urh-enocean"], spread["urh-ook_overshoot"]) > 0.4
