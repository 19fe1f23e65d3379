"""Every JSON body we do not take gets a sentence, not a trace."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.exceptions import APIException, ParseError

from base.parsers import MAX_DEPTH, parse_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_what_it_takes_it_reads_as_json_does(value):
    text = json.dumps(value)
    clean = "\\u0000" not in text and not any(f"\\ud{digit}" in text for digit in "89abcdef")
    if clean:
        assert parse_json(text.encode()) == value
        assert parse_json(json.dumps(value, ensure_ascii=False, indent=1).encode()) == value


@given(st.binary(max_size=60))
def test_no_bytes_make_it_raise_anything_but_an_api_error(body):
    try:
        parse_json(body)
    except APIException:
        pass


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": 1e999}',
        b'{"a": 1, "a": 2}',
        b'{"a" :1,"a":2}',
        b'{"a": {"b": 1, "b" \n : ":"}}',
        b'[{"a": "\\\\", "a": 1}]',
        b'"\\u0000"',
        b'{"\\u0000": 1}',
        b'["\\ud800"]',
        b"[" * 100_000,
        b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
        b'{"a":' * 2_000 + b"1" + b"}" * 2_000,
    ],
)
def test_bad_json_is_refused(body):
    with pytest.raises(ParseError):
        parse_json(body)


def test_too_many_items_are_refused():
    with pytest.raises(APIException, match="at most"):
        parse_json(json.dumps([0] * 10_001).encode())
