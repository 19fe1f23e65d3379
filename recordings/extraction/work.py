"""Measure a measurement, draw it, and store what was found: once, whoever else does the same."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import transaction

from recordings import signal
from recordings.extraction import files, pictures
from recordings.extraction.scales import frequency_axis, time_axis
from recordings.models import Measurement, MeasurementFeatures
from recordings.samples import Samples, SamplesDamaged, open_samples

Tell = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Watched:
    """Samples that tell which share of them was read, 0–1, whenever a block is asked for."""

    samples: Samples
    tell: Tell

    def __getattr__(self, name: str) -> Any:
        return getattr(self.samples, name)

    def blocks(self, size: int = 1 << 20, channel: int = 0) -> Iterator[np.ndarray]:
        done = 0
        for block in self.samples.blocks(size, channel):
            yield block
            done += len(block)
            self.tell(done / max(self.samples.count, 1))


def waiting(session_id: Any) -> list[Measurement]:
    """Measurements with IQ data of a completed session that nobody has measured, in the order they were made."""
    rows = Measurement.objects.filter(session_id=session_id, session__status="completed", features=None)
    return list(rows.exclude(iq_data_location="").order_by("captured_at", "id"))


def extract(measurement: Measurement, *, task_id: str, tell: Tell, fence: Callable[[], None]) -> MeasurementFeatures:
    """Measure and store; the row returned is an error's where the samples contradict their metadata.

    Raises SamplesMissing and OSError where another try may find what this one did not, and stores nothing then.
    """
    started = time.process_time()
    row = MeasurementFeatures(
        measurement=measurement,
        recording_session_id=measurement.session_id,
        extractor_version=signal.VERSION,
        task_id=task_id,
    )
    try:
        samples = open_samples(measurement)
        found = signal.measure(Watched(samples, tell))
    except SamplesDamaged as error:
        row.error = str(error)[:500]
    else:
        row.numbers, row.samples = found.numbers, samples.count
        row.spectrogram, row.spectrum = draw(measurement, samples, found)
    row.seconds = round(time.process_time() - started, 3)
    _store(row, fence)
    return row


def draw(measurement: Measurement, samples: Samples, found: signal.Measured) -> tuple[str, str]:
    """Write both pictures; returns their names, empty where there are too few samples or nothing but silence."""
    if not found.spectrum.size:
        return "", ""
    rate, bins = samples.sample_rate, found.frequencies
    half = (bins[-1] - bins[0]) / (len(bins) - 1) / 2
    across = frequency_axis(bins[0] - half, bins[-1] + half, rate=rate, centre=measurement.frequency)
    title = f"{measurement.name} · {measurement.datatype}"
    spectrogram = pictures.draw_spectrogram(
        found.spectrogram, title=title, across=across, down=time_axis(samples.count, rate=rate)
    )
    floor = found.numbers["noise_floor_dbfs"]
    in_a_bin = None if floor is None else floor - 10 * math.log10(len(bins))
    spectrum = pictures.draw_spectrum(found.spectrum, title=title, across=across, noise_floor=in_a_bin)
    return (
        files.write(files.name_of(measurement.pk, "spectrogram"), spectrogram),
        files.write(files.name_of(measurement.pk, "spectrum"), spectrum),
    )


@transaction.atomic
def _store(row: MeasurementFeatures, fence: Callable[[], None]) -> None:
    """Insert the row unless there is one, or the measurement is gone."""
    is_there = list(Measurement.objects.select_for_update(no_key=True).filter(pk=row.pk).values_list("pk"))
    if is_there and not MeasurementFeatures.objects.filter(pk=row.pk).exists():
        row.save(force_insert=True)
    fence()
