"""The names of what is measured on samples, in the order in which they are told.

Apart from `recordings.signal`, which only workers need: it takes scipy to load.
"""

NAMES = (
    "mean_power_dbfs",
    "peak_power_dbfs",
    "noise_floor_dbfs",
    "snr_db",
    "snr_in_band_db",
    "occupied_bandwidth",
    "occupied_bandwidth_hz",
    "bandwidth_26db",
    "bandwidth_26db_hz",
    "centre_offset",
    "centre_offset_hz",
    "spectral_flatness",
    "spectral_entropy",
    "amplitude_kurtosis",
    "papr_db",
    "crest_factor_db",
    "duty_cycle",
    "burst_count",
    "amplitude_spread",
    "frequency_spread",
    "frequency_spread_hz",
    "phase_spread",
    "phase_spread_2",
    "phase_spread_4",
    "symbol_rate",
    "symbol_rate_hz",
    "symbol_line_db",
    "dc_offset_dbfs",
    "clipped_share",
    "invalid_share",
    "sample_count",
    "duration_s",
)
