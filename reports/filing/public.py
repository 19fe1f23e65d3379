"""What others may read of what residents wrote."""

from __future__ import annotations

import re

EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}")
# With a country's prefix, in the groups of North America, or ten and more digits that begin with 0. Dates, times,
# house numbers and plates are none of these.
PHONE = re.compile(
    r"(?<![\w.])(?:\+\d(?:[ ().-]{0,2}\d){7,14}|(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}|0\d(?:[ ./-]?\d){8,10})(?!\w)"
)


def masked(text: str) -> str:
    """Without the e-mail addresses and phone numbers that are obvious; who wrote it and who deals with it see all."""
    if "@" in text:
        text = EMAIL.sub("[e-mail]", text)
    return PHONE.sub("[phone]", text)
