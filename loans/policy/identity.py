"""Phones and devices as keyed hashes: enough to see the same one again, nothing to call or track anybody by."""

from __future__ import annotations

import re

from django.utils.crypto import salted_hmac

DEVICE_HEADER = "X-Device-Id"


class InvalidDevice(ValueError):
    """The id of a device is 8 to 128 letters, digits, and `._:-`."""


def phone_hash(phone: str | None) -> str | None:
    return _hashed("phone", phone) if phone else None


def device_hash(device: str | None) -> str | None:
    """Raises InvalidDevice."""
    if device is None:
        return None
    if not re.fullmatch(r"[A-Za-z0-9._:-]{8,128}", device):
        raise InvalidDevice("The id of a device is 8 to 128 letters, digits, and ._:-")
    return _hashed("device", device)


def _hashed(kind: str, value: str) -> str:
    return salted_hmac(f"loans.{kind}", value, algorithm="sha256").hexdigest()
