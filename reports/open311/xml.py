"""What Open311 answers, as XML: an element for each key, and a known name for the items of each list."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

DECLARATION = '<?xml version="1.0" encoding="utf-8"?>\n'
ITEMS = {
    "attributes": "attribute",
    "endpoints": "endpoint",
    "errors": "error",
    "formats": "format",
    "notes": "note",
    "photos": "photo",
    "service_requests": "request",
    "services": "service",
    "values": "value",
}
NO_PLACE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")  # characters that XML 1.0 cannot hold


def document(root: str, value: Any) -> str:
    """`value` is what JSON shows: numbers, texts, truth values, None, and lists and mappings of them."""
    return DECLARATION + _element(root, value)


def _element(name: str, value: Any) -> str:
    if value is None or value == "":
        return f"<{name}/>"
    return f"<{name}>{_content(name, value)}</{name}>"


def _content(name: str, value: Any) -> str:
    if type(value) is str:
        return _text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "".join([_element(key, inner) for key, inner in value.items()])
    if isinstance(value, list):
        return "".join([_element(ITEMS[name], inner) for inner in value])
    return str(value)


def _text(text: str) -> str:
    if not text.isprintable():  # which most texts are, and this is the quickest way to know
        text = NO_PLACE.sub("", text)
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace("\r", "&#13;")  # a parser would read it as a new line
