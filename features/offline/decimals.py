"""Decimals as whole numbers of 64 bits, fast enough for millions.

`value64` is the column `value` of a file again, as such: it is read six times as fast. A file has it unless one of its
values needs more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import pyarrow as pa

SCALE = 18  # decimals of the column `value`
DIGITS = 18  # of a decimal of 64 bits
WIDE = pa.decimal128(38, SCALE)
TRIED = (2, 6, 9)  # decimals
BLOCK = 16_384  # numbers that a processor's cache holds beside what is made of them


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
    whole, done = np.empty(len(values), np.int64), 0
    for chunk in values.chunks:
        halves = _halves(chunk)
        for start in range(0, len(chunk), BLOCK):
            block = halves[2 * start : 2 * (start + BLOCK)]
            whole[done : done + len(block) // 2] = _divided(block[0::2], block[1::2], k)
            done += len(block) // 2
    return whole


def _divided(lower: Any, high: Any, k: int) -> Any:
    low, shifted_high = lower.view(np.uint64), high >> k
    shifted = (low >> np.uint64(k)) | (high.view(np.uint64) << np.uint64(64 - k)) if k else low
    quotient = (shifted * np.uint64(pow(5**k, -1, 1 << 64))).view(np.int64)
    off = quotient * float(5**k) - (shifted_high * 2.0**64 + shifted)
    if np.abs(off).max() >= 2.0**63 or np.bitwise_or.reduce(low) & np.uint64((1 << k) - 1):
        raise Inexact(f"a value is no whole number of 1e-{SCALE - k} within 64 bits")
    return quotient


def narrowed(values: pa.ChunkedArray, decimals: Iterable[int] = TRIED) -> pa.Array:
    """Values of decimal128(38, 18) as decimal64 with the first of these decimals that is enough. Raises Inexact."""
    for tried in decimals:
        with suppress(Inexact):
            whole = scaled(values, decimals=tried)
            if not len(whole) or max(int(whole.max()), -int(whole.min())) < 10**DIGITS:
                there = values.is_valid().combine_chunks().buffers()[1] if values.null_count else None
                return pa.Array.from_buffers(pa.decimal64(DIGITS, tried), len(whole), [there, pa.py_buffer(whole)])
    raise Inexact(f"a value has more than {DIGITS} digits")


def enough(columns: Callable[[], Iterable[pa.ChunkedArray]]) -> int | None:
    """How many decimals are enough for `value64` of a file with all these values; None: it cannot have the column.

    columns: gives the values part by part, each time it is called.
    """
    for decimals in TRIED:
        with suppress(Inexact):
            for values in columns():
                narrowed(values, [decimals])
            return decimals
    return None


def joined(parts: Sequence[pa.Table]) -> pa.Table:
    """One table, whose `value` is decimal64 with as many decimals as any part needs, where that holds all of them."""
    if "value" not in parts[0].column_names:
        return pa.concat_tables(parts, promote_options="permissive").unify_dictionaries()
    columns = [part.column("value") for part in parts]
    try:
        narrow = [column if pa.types.is_decimal64(column.type) else narrowed(column) for column in columns]
        most = max(column.type.scale for column in narrow)
        columns = [column.cast(pa.decimal64(DIGITS, most)) for column in narrow]
    except (Inexact, pa.ArrowInvalid):  # the second: so many decimals leave too few digits
        columns = [column.cast(WIDE) for column in columns]
    place = parts[0].schema.get_field_index("value")
    alike = [part.set_column(place, "value", column) for part, column in zip(parts, columns, strict=True)]
    return pa.concat_tables(alike, promote_options="permissive").unify_dictionaries()


def _halves(chunk: pa.Array) -> Any:
    """The low and the high 64 bits of each number, in turn."""
    filled = chunk.fill_null(0) if chunk.null_count else chunk
    return np.frombuffer(filled.buffers()[1], np.int64)[2 * filled.offset : 2 * (filled.offset + len(filled))]
