"""Samples from files: every datatype, channels, captures with headers, and memory that stays flat."""

import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from recordings.datatypes import UnknownDatatype, datatype_of
from recordings.layout import Misfit, lay_out
from recordings.samples import Samples, SamplesMissing, open_samples
from tests.recordings.makers import metadata, samples_in

IN_LITTLE_MEMORY = """
import resource, sys
from pathlib import Path
from tests.recordings.makers import samples_in
samples = samples_in(Path(sys.argv[1]), "ci16_le")
sum(len(block) for block in samples.blocks())  # all that is ever loaded is loaded
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (96 << 20),) * 2)
samples = samples_in(Path(sys.argv[2]), "ci16_le")
read = sum(len(samples.read(start, 1 << 20)) for start in range(0, samples.count, 8 << 20))
print(samples.count, read, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.fixture
def write(tmp_path):
    def write(data):
        path = tmp_path / "data"
        path.write_bytes(data if isinstance(data, bytes) else data.tobytes())
        return path

    return write


def all_of(samples: Samples, size: int = 3, channel: int = 0) -> list:
    return np.concatenate([*samples.blocks(size, channel)]).tolist()


@pytest.mark.parametrize(
    ("datatype", "numbers", "means"),
    [
        ("cf32_le", np.array([0.5, -1, 2, 0], "<f4"), [0.5 - 1j, 2 + 0j]),
        ("ci16_le", np.array([16384, -32768, 0, 32767], "<i2"), [0.5 - 1j, 32767j / 32768]),
        ("ci8", np.array([64, -128], "i1"), [0.5 - 1j]),
        ("cu8", np.array([192, 0, 128, 255], "u1"), [0.5 - 1j, 127j / 128]),
        ("ri16_le", np.array([16384, -32768], "<i2"), [0.5, -1]),
        ("ri16_be", np.array([16384, -32768], ">i2"), [0.5, -1]),
        ("cf64_be", np.array([0.25, 1e300], ">f8"), [complex(0.25, float("inf"))]),
        ("ru32_le", np.array([0, 1 << 31, 3 << 30], "<u4"), [-1, 0, 0.5]),
        ("ru16_be", np.array([0, 32768], ">u2"), [-1, 0]),
        ("ri32_le", np.array([-(1 << 31), 1 << 30], "<i4"), [-1, 0.5]),
        ("ri8_le", np.array([-128], "i1"), [-1]),
    ],
)
def test_full_scale_is_one_whatever_the_datatype(write, datatype, numbers, means):
    samples = samples_in(write(numbers), datatype)
    assert all_of(samples) == means and samples.count == len(means)
    assert samples.read(0, 1).dtype == (np.complex64 if datatype[0] == "c" else np.float32)
    assert (samples.is_complex, samples.datatype) == (datatype[0] == "c", datatype)


@pytest.mark.parametrize("name", ["ci16", "cf32", "cf16_le", "xi8", "ci16_le ", "ci64_le", "", "ci16_le\n", "cI16_le"])
def test_a_datatype_that_leaves_a_doubt_is_refused(name):
    with pytest.raises(UnknownDatatype):
        datatype_of(name)


def test_samples_that_are_no_numbers_stay(write):
    values = np.array([np.nan, 1, np.inf, -np.inf], "<f4")
    assert np.array_equal(samples_in(write(values), "rf32_le").read(0, 4), values, equal_nan=True)


def test_channels_are_interleaved(write):
    path = write(np.array([[1, 2], [3, 4], [5, 6], [7, 8]], "<i2") * 2048)  # two samples of two complex channels
    samples = samples_in(path, "ci16_le", num_channels=2)
    assert samples.count == 2
    assert [one * 16 for one in all_of(samples, channel=0)] == [1 + 2j, 5 + 6j]
    assert [one * 16 for one in all_of(samples, channel=1)] == [3 + 4j, 7 + 8j]
    with pytest.raises(IndexError):
        samples.read(0, 1, 2)


def test_headers_of_captures_and_trailing_bytes_are_no_samples(write):
    path = write(b"tar" + b"H" * 3 + bytes([1, 2]) + b"HH" + bytes([3, 4, 5]) + b"T" * 2)
    captures = [
        {"core:sample_start": 10, "core:header_bytes": 3},
        {"core:sample_start": 11},
        {"core:sample_start": 12, "core:header_bytes": 2},
    ]
    samples = samples_in(path, "ri8", origin=3, captures=captures, offset=10, trailing_bytes=2)
    assert samples.count == 5
    assert [one * 128 for one in all_of(samples, size=2)] == [1, 2, 3, 4, 5]
    assert [one * 128 for one in samples.read(1, 2).tolist()] == [2, 3]  # across a header
    assert samples.read(5, 1).size == 0
    layout = samples.layout
    assert (layout.header_bytes, layout.trailing_bytes, layout.spare) == (5, 2, 0)


def test_an_incomplete_last_sample_is_left_out(write):
    layout = samples_in(write(bytes(11)), "ci16_le").layout
    assert (layout.count, layout.spare) == (2, 3)


@pytest.mark.parametrize(
    "described",
    [
        metadata("ci8", captures=[{"core:sample_start": 6}]),
        metadata("ci8", captures=[{"core:sample_start": 0, "core:header_bytes": 11}]),
        metadata("ci8", captures=[{"core:sample_start": 4}, {"core:sample_start": 2}]),
        metadata("ci8", captures=[{"core:sample_start": 0}], offset=1),
        metadata("ci8", trailing_bytes=11),
        metadata("ci8", captures=[], trailing_bytes=1 << 62),
        metadata("ci8", captures=[{"core:sample_start": 1 << 62}]),
    ],
)
def test_captures_that_do_not_fit_the_data_are_refused(described):
    with pytest.raises(Misfit):
        lay_out(described, 10)


def test_a_file_that_became_shorter_or_a_link_is_missing_and_harms_nobody(write, tmp_path):
    path = write(bytes(4_000))
    samples = samples_in(path, "ci16_le")
    os.truncate(path, 100)
    assert samples.read(0, 25).size == 25
    with pytest.raises(SamplesMissing, match="shorter"):
        list(samples.blocks())
    path.rename(tmp_path / "other")
    with pytest.raises(SamplesMissing, match="No such file"):
        samples.read(0, 1)
    path.symlink_to(tmp_path / "other")
    with pytest.raises(SamplesMissing):
        samples.read(0, 1)


def test_a_measurement_opens_by_its_row(write):
    path = write(b"...." + np.array([16384, 0], "<i2").tobytes())
    row = SimpleNamespace(
        iq_data_location=str(path),
        path=path,
        datatype="ci16_le",
        metadata=metadata(),
        size_bytes=4,
        data_offset=4,
        sample_rate=48_000.0,
        num_channels=1,
    )
    samples = open_samples(row)
    assert (samples.sample_rate, samples.read(0, 9).tolist()) == (48_000.0, [0.5])
    row.iq_data_location = ""
    with pytest.raises(SamplesMissing, match="without samples"):
        open_samples(row)


def test_a_file_of_2_gb_takes_no_more_memory_than_one_block(tmp_path):
    small, large = tmp_path / "small", tmp_path / "large"
    for path, size in ((small, 16 << 20), (large, 2 << 30)):
        with path.open("wb") as file:
            file.truncate(size)  # takes no room on the disk
    told = subprocess.run(
        [sys.executable, "-c", IN_LITTLE_MEMORY, small, large], capture_output=True, text=True, timeout=60
    )
    count, read, grown_kib = map(int, told.stdout.split() or pytest.fail(told.stderr))
    assert count == 8 * read == (2 << 30) // 4
    assert grown_kib < 32 << 10
