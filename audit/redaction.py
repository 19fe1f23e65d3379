"""Keep secrets out of the trail: an entry can never be changed, so what slips in stays."""

from __future__ import annotations

import re
from typing import Any

REDACTED = "[redacted]"
SECRET = re.compile(
    r"(^|_)(password|passwd|passphrase|secret|token|api_?key|private_?key|authorization|cookie|otp|pin|cvv)$"
)
ONE_TIME_CODE = re.compile(r"\d{4,10}")


def redacted(value: Any, key: str = "") -> Any:
    """A copy in which what keys such as `password` or `access_token` name is replaced, however deep it lies.

    `code` is taken for a secret when it looks like a one-time code; codes of reasons stay, and so do flags and nulls.
    """
    if key and value is not None and not isinstance(value, bool) and _is_secret(key, value):
        return REDACTED
    if isinstance(value, dict):
        return {name: redacted(inner, str(name)) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [redacted(inner) for inner in value]
    return value


def _is_secret(key: str, value: Any) -> bool:
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key).replace("-", "_").lower()
    if name == "code" or name.endswith("_code"):
        return bool(ONE_TIME_CODE.fullmatch(str(value)))
    return bool(SECRET.search(name))
