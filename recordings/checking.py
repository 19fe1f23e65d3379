"""Measurements held against the truth about recordings: symbol rates, kinds of modulation, annotated bursts."""

from __future__ import annotations

import csv
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recordings.datatypes import datatype_of
from recordings.layout import lay_out
from recordings.samples import Samples
from recordings.signal import Measured, measure

CLOSE = 0.02  # relative error of a symbol rate that is right
KINDS = (
    "amplitude_spread",
    "amplitude_kurtosis",
    "phase_spread",
    "phase_spread_2",
    "phase_spread_4",
    "occupied_bandwidth",
    "duty_cycle",
)


@dataclass(frozen=True)
class Checked:
    """One recording: what is true and what was measured. detection: see `detection_auc`, None without annotations."""

    name: str
    modulation: str
    symbol_rate: float | None
    measured: Measured
    detection: float | None

    @property
    def rate_is_right(self) -> bool | None:
        """None where nobody knows."""
        if self.symbol_rate is None:
            return None
        found = self.measured.numbers["symbol_rate"]
        return found is not None and abs(found / self.symbol_rate - 1) <= CLOSE

    def kind(self) -> list[float]:
        """What tells kinds of modulation apart; nothing of where in the band the signal is, or how strong."""
        numbers = self.measured.numbers
        values = [numbers[name] or 0.0 for name in KINDS]
        return [*values, (numbers["frequency_spread"] or 0.0) / (numbers["occupied_bandwidth"] or 1.0)]


def check(folder: Path) -> list[Checked]:
    """All recordings that `index.csv` lists, with columns recording, modulation and samples_per_symbol, empty where
    nobody knows. Raises OSError, KeyError and what reading samples raises.
    """
    with (folder / "index.csv").open(newline="") as file:
        return [_checked(folder, row) for row in csv.DictReader(file)]


def families(checked: list[Checked]) -> tuple[int, int, float]:
    """Modulations told by the nearest other recording: how many rightly, of how many, and the share that always naming
    the most frequent one would have. Modulations of one recording alone are left out.
    """
    counts = Counter(one.modulation for one in checked if one.modulation)
    known = [one for one in checked if counts[one.modulation] > 1]
    if not known:
        return 0, 0, 0.0
    values, right = np.array([one.kind() for one in known]), 0
    for number, one in enumerate(known):
        others = np.delete(values, number, axis=0)
        spread = np.maximum(others.std(axis=0), 1e-12)
        nearest = int((((others - values[number]) / spread) ** 2).sum(axis=1).argmin())
        right += known[nearest + (nearest >= number)].modulation == one.modulation
    return right, len(known), max(counts[one.modulation] for one in known) / len(known)


def detection_auc(measured: Measured, count: int, metadata: dict) -> float | None:
    """Area under the ROC curve of the spectrogram's cells, the power of each being the score, against annotations."""
    power = measured.spectrogram
    annotated = np.zeros(power.shape, bool)
    rate, middle = metadata["global"].get("core:sample_rate"), metadata["captures"][0].get("core:frequency", 0)
    if not power.size or not rate:
        return None
    columns = middle + rate * np.linspace(measured.frequencies[0], -measured.frequencies[0], power.shape[1], False)
    for one in metadata["annotations"]:
        start, length = one["core:sample_start"], one.get("core:sample_count", count)
        rows = slice(int(start / count * len(power)), int(np.ceil((start + length) / count * len(power))))
        low, high = one.get("core:freq_lower_edge", -np.inf), one.get("core:freq_upper_edge", np.inf)
        annotated[rows, (columns >= low) & (columns <= high)] = True
    positive = np.count_nonzero(annotated)
    if not 0 < positive < annotated.size:
        return None
    ranks = np.empty(annotated.size)
    ranks[np.argsort(power, axis=None, kind="stable")] = np.arange(1, annotated.size + 1)
    above = ranks[annotated.ravel()].sum() - positive * (positive + 1) / 2
    return float(above / positive / (annotated.size - positive))


def _checked(folder: Path, row: dict[str, str]) -> Checked:
    name = row["recording"]
    metadata = json.loads((folder / f"{name}.sigmf-meta").read_text())
    told, data = metadata["global"], folder / f"{name}.sigmf-data"
    samples = Samples(
        path=data,
        form=datatype_of(told["core:datatype"]),
        layout=lay_out(metadata, data.stat().st_size),
        sample_rate=told.get("core:sample_rate"),
        channels=told.get("core:num_channels", 1),
    )
    found = measure(samples)
    pace = row["samples_per_symbol"]
    detection = detection_auc(found, samples.count, metadata) if metadata.get("annotations") else None
    return Checked(name, row["modulation"], 1 / float(pace) if pace else None, found, detection)
