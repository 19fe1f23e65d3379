"""What was measured, through the feature store."""

from datetime import timedelta
from decimal import Decimal

import pytest

from features.models import StaleEntity
from features.services import point_in_time
from recordings import synthetic
from recordings.features import MeasurementSignal, RecordingSignals
from recordings.models import Measurement, MeasurementFeatures, RecordingSession
from recordings.signal import measure
from recordings.signal.measuring import NAMES
from recordings.signal.memory import ArraySamples
from tests.makers import NOON

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def session() -> RecordingSession:
    return RecordingSession.objects.create(name="a night", status="completed", session_start=NOON)


def measured(of: RecordingSession, numbers: dict | None, *, captured_at=NOON, computed_at=NOON + HOUR, error=""):
    measurement = Measurement.objects.create(
        session=of, name=f"m{of.measurements.count()}", captured_at=captured_at, datatype="cf32_le", metadata={}
    )
    MeasurementFeatures.objects.create(
        measurement=measurement,
        recording_session=of,
        extractor_version="1",
        numbers=numbers,
        error=error,
        computed_at=computed_at,
    )
    return measurement


def known(feature_set, row, as_of=NOON + 2 * HOUR, **more) -> dict:
    [found] = point_in_time(feature_set, [(str(row.pk), as_of)], **more)
    return {name: float(value) if isinstance(value, Decimal) else value for name, value in found.values().items()}


def test_a_measurement_has_the_numbers_that_were_measured():
    signal = synthetic.with_noise(synthetic.psk(1 << 14, order=4, samples_per_symbol=6, seed=1), snr_db=15, seed=8)
    numbers = measure(ArraySamples(signal, 1e6)).numbers
    measurement = measured(session(), numbers)
    assert set(MeasurementSignal.features) == set(NAMES)
    assert known(MeasurementSignal, measurement) == numbers
    assert type(known(MeasurementSignal, measurement)["burst_count"]) is int


def test_a_measurement_has_its_numbers_from_its_capture_on_and_nothing_before():
    measurement = measured(session(), {"snr_db": 12.5, "burst_count": 3})
    assert known(MeasurementSignal, measurement, NOON - HOUR)["snr_db"] is None
    assert known(MeasurementSignal, measurement, NOON)["snr_db"] == 12.5
    assert known(MeasurementSignal, measurement, NOON, known_at=NOON)["snr_db"] is None


def test_a_session_sums_up_its_measurements_and_leaves_out_what_they_do_not_have():
    night = session()
    measured(night, {"snr_db": 10.0, "mean_power_dbfs": -30.0, "burst_count": 2, "duration_s": 1.5, "symbol_rate": 0.1})
    measured(night, {"snr_db": None, "mean_power_dbfs": -50.0, "burst_count": 0, "duration_s": None})
    measured(night, None, error="the file is gone")
    measured(session(), {"snr_db": 99.0})
    found = known(RecordingSignals, night)
    assert (found["measurement_count"], found["snr_db_mean"], found["snr_db_max"]) == (2, 10.0, 10.0)
    assert (found["mean_power_dbfs_mean"], found["mean_power_dbfs_min"]) == (-40.0, -50.0)
    assert (found["burst_count_sum"], found["duration_s_sum"]) == (2, 1.5)
    assert (found["symbol_rate_median"], found["symbol_rate_hz_median"]) == (0.1, None)


def test_what_was_measured_marks_its_measurement_and_session_and_an_error_marks_nothing():
    night = session()
    measurement = measured(night, {"snr_db": 1.0})
    marks = {("measurement", str(measurement.pk)), ("recording", str(night.pk))}
    assert set(StaleEntity.objects.values_list("entity_type", "entity_id")) == marks
    measured(session(), None, error="the file is gone")
    assert set(StaleEntity.objects.values_list("entity_type", "entity_id")) == marks
