"""What Open311 answers, as XML: an element for each key, and a known name for the items of each list."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

DECLARATION = '<?xml version="1.0" encoding="utf-8"?>\n'
ITEMS = {
    "attributes": "attribute",
    "endpoints": "endpoint",
    "errors": "error",
    "formats": "format",
    "service_requests": "request",
    "services": "service",
    "values": "value",
}
NO_PLACE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")  # characters that XML 1.0 cannot hold
RETURN = {"\r": "&#13;"}  # a parser would read it as a new line


def document(root: str, value: Any) -> str:
    """`value` is what JSON shows: numbers, texts, truth values, None, and lists and mappings of them."""
    return DECLARATION + _element(root, value)


def _element(name: str, value: Any) -> str:
    if value is None or value == "":
        return f"<{name}/>"
    return f"<{name}>{_content(name, value)}</{name}>"


def _content(name: str, value: Any) -> str:
    if isinstance(value, str):
        return escape(NO_PLACE.sub("", value), RETURN)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "".join(_element(key, inner) for key, inner in value.items())
    if isinstance(value, list):
        return "".join(_element(ITEMS[name], inner) for inner in value)
    return str(value)
