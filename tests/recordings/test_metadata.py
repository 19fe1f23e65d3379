"""Metadata as it comes: what SigMF allows is read, everything else is refused with a sentence."""

import json
from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recordings.layout import Misfit, lay_out
from recordings.sigmf.export import Export
from recordings.sigmf.metadata import BadMetadata, check_metadata, read_metadata
from tests.recordings.makers import as_json, metadata


def refused(document) -> str:
    data = document if isinstance(document, bytes) else as_json(document)
    with pytest.raises(BadMetadata) as caught:
        read_metadata(data)
    assert len(str(caught.value)) < 600
    return str(caught.value)


def test_what_is_not_said_is_not_invented():
    read = read_metadata(as_json(metadata("cu8", captures=[])))
    assert (read.sample_rate, read.frequency, read.captured_at, read.sha512) == (None, None, None, None)
    assert (read.datatype, read.num_channels, read.notes) == ("cu8", 1, ())


def test_unknown_extensions_are_kept_and_needed_ones_noted():
    document = metadata(extensions=[{"name": "antenna", "version": "1.0.0", "optional": False}])
    document["global"]["antenna:gain"] = {"dBi": [1.5, 2]}
    document["captures"][0]["other:thing"] = "ü"
    read = read_metadata(as_json(document))
    assert read.document == document
    assert read.notes == ("The extension antenna is said to be needed; it is kept, and what it adds is not looked at.",)


def test_time_and_frequency_are_of_the_first_capture():
    captures = [
        {"core:sample_start": 0, "core:datetime": "2025-11-15T17:34:32.232000000Z", "core:frequency": 868_000_000},
        {"core:sample_start": 9, "core:datetime": "2025-11-16T00:00:00Z", "core:frequency": 433e6},
    ]
    read = read_metadata(as_json(metadata(captures=captures, sample_rate=48_000)))
    assert read.captured_at == datetime(2025, 11, 15, 17, 34, 32, 232_000, UTC)
    assert (read.frequency, read.sample_rate) == (868e6, 48_000.0)
    assert read.notes == ("The captures have different centre frequencies; the first is shown.",)


def test_whole_numbers_may_be_written_with_a_point():
    read = read_metadata(as_json(metadata(captures=[{"core:sample_start": 2.0}], num_channels=2.0)))
    assert read.document["captures"] == [{"core:sample_start": 2}]
    assert type(read.document["captures"][0]["core:sample_start"]) is type(read.num_channels) is int


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({}, "'global' is a required property"),
        ([], "is not of type 'object'"),
        (metadata("ci16"), "order of bytes"),
        (metadata("cf16_le"), "does not match"),
        (metadata("ci8junk"), "no datatype"),
        (metadata(sample_rate=0), "global.core:sample_rate"),
        (metadata(sample_rate=-1), "global.core:sample_rate"),
        (metadata(sample_rate="1"), "global.core:sample_rate"),
        (metadata(sample_rate=1e13), "global.core:sample_rate"),
        (metadata(num_channels=0), "num_channels"),
        (metadata(num_channels=5_000), "1024 channels"),
        (metadata(num_channels=True), "num_channels"),
        (metadata(sha512="ab"), "sha512"),
        (metadata(sha512="ab" * 65), "128 hexadecimal"),
        (metadata(captures=[{}]), "captures[0]"),
        (metadata(captures=[{"core:sample_start": 1.5}]), "captures[0].core:sample_start"),
        (metadata(captures=[{"core:sample_start": 1 << 63}]), "beyond 64 bits"),
        (metadata(gain=1e300), "beyond 64 bits"),
        (metadata(captures=[{"core:sample_start": 5}, {"core:sample_start": 4}]), "order of core:sample_start"),
        (metadata(captures=[{"core:sample_start": 0}] * 2_001), "2,000 captures"),
        (metadata(annotations=[{"core:sample_start": 0}] * 10_001), "10,000 annotations"),
        (metadata(annotations=[{"core:sample_start": 0, "core:comment": 5}]), "annotations[0].core:comment"),
        (metadata(annotations=["x" * 5_000]), "annotations[0]"),
        (metadata() | {"more": 1}, "Additional properties"),
        (metadata(description="a\x00b"), "NUL"),
        (metadata(description="\ud800"), "lone surrogates"),
        (metadata(x=[0] * 250_000), "200000 items"),
        (b"\xff\xfe{}", "not valid JSON"),
        (b"", "not valid JSON"),
        (b'{"global": {}, "global": {}}', "key appears twice"),
        (b"[" * 100_000, "nested"),
        (as_json(metadata()).replace(b"1.2.5", b"2.0.0"), "versions 0 and 1"),
        (as_json(metadata(sample_rate=7)).replace(b"7", b"NaN"), "NaN"),
        (as_json(metadata(gain=7)).replace(b"7", b"1e999"), "too large"),
        (b" " * (4 << 20) + b"{}", "4 MiB"),
    ],
)
def test_what_is_no_sigmf_is_refused_with_its_place(document, says):
    assert says in refused(document)


PIECES = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 70), 1 << 70) | st.floats() | st.text(max_size=9),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=9), below, max_size=3),
    max_leaves=5,
)
NAMES = [
    "core:datatype", "core:version", "core:sample_rate", "core:num_channels", "core:offset", "core:trailing_bytes",
    "core:header_bytes", "core:sample_start", "core:sample_count", "core:frequency", "core:datetime", "core:sha512",
    "core:dataset", "core:metadata_only", "core:extensions", "core:geolocation", "other:thing",
]  # fmt: skip
ENTRY = st.dictionaries(st.sampled_from(NAMES), st.integers(0, 40) | PIECES, max_size=4)
STARTED = st.builds(lambda start, entry: {"core:sample_start": start} | entry, st.integers(0, 9), ENTRY)
DOCUMENT = st.fixed_dictionaries(
    {
        "global": st.builds(
            lambda kind, more: {"core:datatype": kind, "core:version": "1.0.0"} | more,
            st.sampled_from(["ci16_le", "cf32_le", "ri8", "cu8"]),
            ENTRY,
        ),
        "captures": st.lists(STARTED, max_size=3) | PIECES,
        "annotations": st.lists(STARTED, max_size=2) | PIECES,
    }
)


@given(DOCUMENT, st.integers(0, 100))
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_any_document_is_refused_or_can_be_written_back_and_read_again(document, size):
    """And lies only about samples that the data have."""
    try:
        read = read_metadata(json.dumps(document).encode())
    except BadMetadata:
        return
    assert read.sample_rate is None or 0 < read.sample_rate <= 1e12
    assert read.captured_at is None or read.captured_at.tzinfo is UTC
    assert check_metadata(orjson.loads(orjson.dumps(read.document))) == read
    assert read_metadata(Export("x", read.document, None).meta()).datatype == read.datatype
    try:
        layout = lay_out(read.document, size)
    except Misfit:
        return
    assert sum(segment.count for segment in layout.segments) == layout.count <= size


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data):
    try:
        read_metadata(data)
    except BadMetadata:
        pass
