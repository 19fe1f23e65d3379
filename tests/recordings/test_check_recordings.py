"""Measurements against the truth about recordings."""

import csv
import json

import pytest
from django.core.management import CommandError, call_command

from recordings import synthetic


@pytest.fixture
def folder(tmp_path):
    """Six made recordings of two kinds, and their truth."""
    signals = [("BPSK", 8, synthetic.psk(1 << 14, order=2, samples_per_symbol=8, seed=seed)) for seed in (1, 2, 3)]
    signals += [("FSK", 20, synthetic.fsk(1 << 14, samples_per_symbol=20, seed=seed)) for seed in (1, 2, 3)]
    with (tmp_path / "index.csv").open("w", newline="") as file:
        truth = csv.writer(file)
        truth.writerow(["recording", "modulation", "samples_per_symbol"])
        for number, (modulation, pace, signal) in enumerate(signals):
            samples = synthetic.with_noise(0.1 * signal, power=0.01, snr_db=20, seed=number)
            synthetic.quantised(samples, "ci16_le").tofile(tmp_path / f"r{number}.sigmf-data")
            metadata = {
                "global": {"core:datatype": "ci16_le", "core:version": "1.2.5"},
                "captures": [],
                "annotations": [],
            }
            (tmp_path / f"r{number}.sigmf-meta").write_text(json.dumps(metadata))
            truth.writerow([f"r{number}", modulation, pace])
    return tmp_path


def test_the_command_says_what_is_right(folder, capsys):
    call_command("check_recordings", folder)
    said = capsys.readouterr().out
    assert "symbol rates within 2 %: 6 of 6" in said
    assert "modulation told by the nearest other recording: 6 of 6 (always the same: 0.50)" in said


def test_a_directory_without_truth_is_refused_with_a_sentence(tmp_path):
    with pytest.raises(CommandError, match="cannot be checked"):
        call_command("check_recordings", tmp_path)
