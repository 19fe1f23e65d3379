"""JSON as clients may send it: bounded, without duplicate keys, NaN, NUL or lone surrogates."""

from __future__ import annotations

import json
from typing import IO, Any

import msgspec
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser

MAX_DEPTH = 32
MAX_ITEMS = 10_000


class TooLarge(APIException):
    status_code = 413
    default_detail = "The request is too large."
    default_code = "too_large"


class StrictJSONParser(BaseParser):
    """Bodies up to 1 MiB; a view may raise its own limit with `max_body_bytes` and `max_items`."""

    media_type = "application/json"
    default_max_bytes = 1_048_576

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        view = (parser_context or {}).get("view")
        limit = getattr(view, "max_body_bytes", self.default_max_bytes)
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise TooLarge(f"The request body may have at most {limit} bytes.")
        return parse_json(body, max_items=getattr(view, "max_items", MAX_ITEMS))


class CloudEventParser(StrictJSONParser):
    media_type = "application/cloudevents+json"


class CloudEventBatchParser(StrictJSONParser):
    media_type = "application/cloudevents-batch+json"


def parse_json(body: bytes, *, max_items: int = MAX_ITEMS) -> Any:
    """Parse one JSON document. Raises ParseError with a sentence for everything we do not take."""
    if (value := _read_plain(body, max_items)) is not _DOUBT:
        return value
    try:
        value = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant, object_pairs_hook=_unique_keys)
    except RecursionError:
        raise ParseError(f"JSON may be nested at most {MAX_DEPTH} deep.") from None
    except (ValueError, UnicodeDecodeError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        raise ParseError(f"The body is not valid JSON: {reason[:200]}") from None
    _inspect(value, max_items)
    return value


_DOUBT = object()
_decode = msgspec.json.Decoder().decode


def _read_plain(body: bytes, max_items: int) -> Any:
    """Most bodies, several times faster; _DOUBT where only a closer look can tell.

    Without a backslash no text can hold NUL or a lone surrogate. A key that appears twice is in the body once more
    often than in the value: each key is a quote before a colon, and text can add to these but never hide one.
    """
    if b"\\" in body:
        return _DOUBT
    try:
        value = _decode(body)
    except (ValueError, RecursionError):
        return _DOUBT
    keys = _measure(value, max_items)
    return value if body.translate(None, b" \t\r\n").count(b'":') == keys else _DOUBT


def _measure(value: Any, max_items: int) -> int:
    """How many keys there are. Raises TooLarge and ParseError for too many items and too great a depth."""
    keys, items = 0, 1
    level, depth = [value] if type(value) in _CONTAINERS else [], 1
    while level:
        if depth > MAX_DEPTH:
            raise ParseError(f"JSON may be nested at most {MAX_DEPTH} deep.")
        below = []
        for node in level:
            items += len(node)
            if type(node) is dict:
                keys += len(node)
                below += [child for child in node.values() if type(child) in _CONTAINERS]
            else:
                below += [child for child in node if type(child) in _CONTAINERS]
        if items > max_items:
            raise TooLarge(f"JSON may hold at most {max_items} items.")
        level, depth = below, depth + 1
    return keys


_CONTAINERS = (dict, list)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key appears twice")
    return result


def _inspect(value: Any, max_items: int) -> None:
    """Walk without recursion: depth, number of items, and strings PostgreSQL cannot store."""
    stack, items = [(value, 1)], 0
    while stack:
        node, depth = stack.pop()
        items += 1
        if items > max_items:
            raise TooLarge(f"JSON may hold at most {max_items} items.")
        if depth > MAX_DEPTH:
            raise ParseError(f"JSON may be nested at most {MAX_DEPTH} deep.")
        if isinstance(node, str):
            _inspect_text(node)
        elif isinstance(node, float) and node in (float("inf"), float("-inf")):
            raise ParseError("A number is too large.")
        elif isinstance(node, dict):
            for key in node:
                _inspect_text(key)
            stack.extend((child, depth + 1) for child in node.values())
        elif isinstance(node, list):
            stack.extend((child, depth + 1) for child in node)


def _inspect_text(text: str) -> None:
    if not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
        raise ParseError("Text may not hold lone surrogates.")
    if "\x00" in text:
        raise ParseError("Text may not hold NUL characters.")
