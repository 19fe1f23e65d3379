"""What can be known about measurements and about the recordings (sessions) they belong to.

Numbers are those of `recordings.signal`, with formulas and sources in docs/recordings-features.md. A measurement has
them as of the time it was captured. Frequencies are in cycles/sample unless the name ends in `_hz`; these are null
where nobody said the sample rate.
"""

from datetime import timedelta
from functools import partial

from django.db.models import Q
from django.db.models.fields.json import KeyTextTransform

from features.definitions import Entity, FeatureSet, Rows, agg, extracts
from recordings.extraction import coverage, services
from recordings.numbers import NAMES

measurement = Entity(name="measurement", key="measurement_id", description="One SigMF recording of samples.")
recording = Entity(name="recording", key="recording_id", description="A session: measurements that belong together.")

NUMBERS = {name: KeyTextTransform(name, "numbers") for name in NAMES}
MEASURED = Q(numbers__isnull=False)
SHARE = ("0", "1")

measured = Rows(
    model="recordings.MeasurementFeatures",
    entity_id="measurement_id",
    event_time="measurement__captured_at",
    recorded_at="computed_at",
    fields=NUMBERS,
    where=MEASURED,
)
measured_of_recordings = Rows(
    model="recordings.MeasurementFeatures",
    entity_id="recording_session_id",
    event_time="measurement__captured_at",
    recorded_at="computed_at",
    fields=NUMBERS,
    where=MEASURED,
)
number = partial(agg.last, data_type="float")
least = partial(agg.min, data_type="float")
most = partial(agg.max, data_type="float")


class MeasurementSignal(
    FeatureSet,
    name="measurement_signal",
    version="v1",
    entity=measurement,
    source=measured,
    owner="recordings",
    tags=["recordings"],
    freshness=timedelta(hours=1),
):
    """What the samples of a measurement say. Null where it cannot be said, such as bandwidths of nothing."""

    mean_power_dbfs = number("mean_power_dbfs", unit="dBFS", description="Mean power; 0 is a full-scale tone")
    peak_power_dbfs = number("peak_power_dbfs", unit="dBFS", description="Power of the strongest sample")
    noise_floor_dbfs = number("noise_floor_dbfs", unit="dBFS", description="Noise in the whole sampled band")
    snr_db = number("snr_db", unit="dB", description="Signal while it is on, to noise in the whole sampled band")
    snr_in_band_db = number("snr_in_band_db", unit="dB", description="The same, to noise in the occupied band")
    occupied_bandwidth = number(
        "occupied_bandwidth", unit="cycles/sample", description="Holds 99 % of the signal's power", expected=SHARE
    )
    occupied_bandwidth_hz = number("occupied_bandwidth_hz", unit="Hz", description="Holds 99 % of the signal's power")
    bandwidth_26db = number(
        "bandwidth_26db", unit="cycles/sample", description="Between points 26 dB below the peak", expected=SHARE
    )
    bandwidth_26db_hz = number("bandwidth_26db_hz", unit="Hz", description="Between points 26 dB below the peak")
    centre_offset = number(
        "centre_offset", unit="cycles/sample", description="Mean frequency of the signal", expected=("-0.5", "0.5")
    )
    centre_offset_hz = number("centre_offset_hz", unit="Hz", description="Mean frequency of the signal")
    spectral_flatness = number(
        "spectral_flatness", unit="share", description="1 for white noise, 0 for a tone", expected=SHARE
    )
    spectral_entropy = number(
        "spectral_entropy", unit="share", description="Of the greatest possible entropy", expected=SHARE
    )
    amplitude_kurtosis = number(
        "amplitude_kurtosis", unit="ratio", description="1 for a constant envelope, 2 for noise", expected=("1", None)
    )
    papr_db = number("papr_db", unit="dB", description="Peak to mean power of the envelope", expected=("0", None))
    crest_factor_db = number("crest_factor_db", unit="dB", description="Peak to RMS of the waveform")
    duty_cycle = number("duty_cycle", unit="share", description="Time within bursts", expected=SHARE)
    burst_count = agg.last(
        "burst_count", data_type="integer", unit="bursts", description="1 for what is always on", expected=("0", None)
    )
    amplitude_spread = number(
        "amplitude_spread", unit="ratio", description="Deviation of the amplitude ÷ its mean, in bursts"
    )
    frequency_spread = number(
        "frequency_spread", unit="cycles/sample", description="Deviation of the instantaneous frequency, in bursts"
    )
    frequency_spread_hz = number(
        "frequency_spread_hz", unit="Hz", description="Deviation of the instantaneous frequency, in bursts"
    )
    phase_spread = number("phase_spread", unit="radians", description="Deviation of the phase from a tone's")
    phase_spread_2 = number("phase_spread_2", unit="radians", description="Of twice the phase: low for BPSK")
    phase_spread_4 = number("phase_spread_4", unit="radians", description="Of four times the phase: low for QPSK")
    symbol_rate = number("symbol_rate", unit="symbols/sample", description="Estimate; null without a clear line")
    symbol_rate_hz = number("symbol_rate_hz", unit="symbols/s", description="Estimate; null without a clear line")
    symbol_line_db = number("symbol_line_db", unit="dB", description="How clear the line of the symbol rate is")
    dc_offset_dbfs = number("dc_offset_dbfs", unit="dBFS", description="Power of the mean")
    clipped_share = number("clipped_share", unit="share", description="Samples at full scale", expected=SHARE)
    invalid_share = number("invalid_share", unit="share", description="Samples that are no numbers", expected=SHARE)
    sample_count = agg.last("sample_count", data_type="integer", unit="samples", description="That were measured")
    duration_s = number("duration_s", unit="seconds", description="Length; null without a sample rate")


class RecordingSignals(
    FeatureSet,
    name="recording_signals",
    version="v1",
    entity=recording,
    source=measured_of_recordings,
    owner="recordings",
    tags=["recordings"],
    freshness=timedelta(hours=1),
):
    """What the measurements of a session say together; each counts once, and nothing where it has no such number."""

    measurement_count = agg.count(unit="measurements", description="Measurements with numbers")
    sample_count_sum = agg.sum("sample_count", unit="samples", description="Samples measured")
    duration_s_sum = agg.sum("duration_s", unit="seconds", description="Of measurements whose sample rate is known")
    mean_power_dbfs_mean = agg.mean("mean_power_dbfs", unit="dBFS", description="Mean of the decibels")
    mean_power_dbfs_min = least("mean_power_dbfs", unit="dBFS", description="Of the weakest measurement")
    mean_power_dbfs_max = most("mean_power_dbfs", unit="dBFS", description="Of the strongest measurement")
    peak_power_dbfs_max = most("peak_power_dbfs", unit="dBFS", description="Strongest sample of all")
    noise_floor_dbfs_mean = agg.mean("noise_floor_dbfs", unit="dBFS", description="Mean of the decibels")
    snr_db_mean = agg.mean("snr_db", unit="dB", description="Mean of the decibels, where a signal stands out")
    snr_db_min = least("snr_db", unit="dB", description="Where a signal stands out")
    snr_db_max = most("snr_db", unit="dB", description="Where a signal stands out")
    occupied_bandwidth_mean = agg.mean("occupied_bandwidth", unit="cycles/sample", description="99 % bandwidths")
    occupied_bandwidth_max = most("occupied_bandwidth", unit="cycles/sample", description="Widest 99 % bandwidth")
    occupied_bandwidth_hz_max = most("occupied_bandwidth_hz", unit="Hz", description="Widest 99 % bandwidth")
    centre_offset_mean = agg.mean("centre_offset", unit="cycles/sample", description="Mean of the offsets")
    centre_offset_stddev = agg.stddev("centre_offset", unit="cycles/sample", description="How they differ")
    spectral_flatness_mean = agg.mean("spectral_flatness", unit="share", description="1 for white noise")
    duty_cycle_mean = agg.mean("duty_cycle", unit="share", description="Time within bursts", expected=SHARE)
    burst_count_sum = agg.sum("burst_count", unit="bursts", description="Bursts of all measurements")
    symbol_rate_median = agg.quantile("symbol_rate", q="0.5", unit="symbols/sample", description="Where one was found")
    symbol_rate_hz_median = agg.quantile("symbol_rate_hz", q="0.5", unit="symbols/s", description="Where one was found")
    clipped_share_max = most("clipped_share", unit="share", description="Of the most clipped one", expected=SHARE)
    invalid_share_max = most("invalid_share", unit="share", description="Of the most broken one", expected=SHARE)


extracts(
    "recordings",
    counts=coverage.counts,
    request_batch=services.request_batch_extraction,
    request_backfill=services.request_backfill,
)
