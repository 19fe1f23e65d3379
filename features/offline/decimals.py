"""Decimals as whole numbers, fast enough for millions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

SCALE = 18  # decimals of the column `value`


class Inexact(ValueError):
    """A value has more decimals than asked for, or needs more than 64 bits."""


def scaled(values: pa.ChunkedArray, *, decimals: int) -> Any:
    """Values of decimal128(38, 18) as multiples of 10^-decimals (0–18) in numpy's int64; null becomes 0.

    Exact, or Inexact is raised. The division by 10^k is a shift by k bits and a division by 5^k, and that is a
    multiplication by its inverse modulo 2^64. The product of quotient and divisor then differs from the number by a
    multiple of 2^64, and floats are precise enough to tell that this multiple is zero.
    """
    k = SCALE - decimals
    if not 0 <= k <= SCALE:
        raise ValueError("decimals must be from 0 to 18")
    if not len(values):
        return np.empty(0, np.int64)
    parts = [_halves(chunk) for chunk in values.chunks]
    low, high = np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])
    shifted_low, shifted_high = low, high
    if k:
        shifted_low = (low >> np.uint64(k)) | (high.view(np.uint64) << np.uint64(64 - k))
        shifted_high = high >> k
    quotient = (shifted_low * np.uint64(pow(5**k, -1, 1 << 64))).view(np.int64)
    number = shifted_high * 2.0**64 + shifted_low
    exact = np.abs(quotient * float(5**k) - number) < 2.0**63
    exact &= (low & np.uint64((1 << k) - 1)) == 0
    if not exact.all():
        raise Inexact(f"{np.count_nonzero(~exact)} values are no whole numbers of 1e-{decimals} within 64 bits")
    return quotient


def _halves(chunk: pa.Array) -> tuple[Any, Any]:
    """The low and the high 64 bits of each number."""
    filled = chunk.fill_null(0)
    words = np.frombuffer(filled.buffers()[1], np.int64)[2 * filled.offset : 2 * (filled.offset + len(filled))]
    return words[0::2].copy().view(np.uint64), words[1::2].copy()
