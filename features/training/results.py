"""A feature's values, one for each row of the spine, and the column they become."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from features.training.fields import WIDE, Array, Field, moment

MONEY = pa.decimal128(38, 18)
TYPES = {"integer": pa.int64(), "decimal": MONEY, "float": pa.float64(), "string": pa.string(),
         "datetime": pa.timestamp("us", "UTC"), "boolean": pa.bool_()}  # fmt: skip
EXACT = 2**53  # whole numbers up to here are floats too


class UnusableValue(ValueError):
    """A value that its column cannot hold exactly: more than 18 decimals or 38 digits, or not whole."""


@dataclass(frozen=True, slots=True)
class Result:
    """values: integers and decimals as whole numbers of 10^-scale (int64, or Python's own where those do not fit),
    floats, texts, microseconds since 1970, or truth. valid: where there is a value; None: everywhere.
    """

    data_type: str
    values: Array
    valid: Array | None = None
    scale: int = 0

    def column(self, name: str) -> pa.Array:
        """As Arrow has it. Raises UnusableValue."""
        invalid = None if self.valid is None else ~self.valid
        if self.data_type == "integer":
            return pa.array(self._whole(name), pa.int64(), mask=invalid)
        if self.data_type != "decimal":
            return pa.array(self.values, TYPES[self.data_type], mask=invalid)
        if self.values.dtype == object:
            return self._large(name)
        halves = np.empty(2 * len(self.values), np.int64)
        halves[0::2], halves[1::2] = self.values, self.values >> 63
        bits = None if self.valid is None else pa.array(self.valid).buffers()[1]
        column = pa.Array.from_buffers(pa.decimal128(38, self.scale), len(self.values), [bits, pa.py_buffer(halves)])
        return self._fitting(name, lambda: column.cast(MONEY))

    def _large(self, name: str) -> pa.Array:
        shown = np.ones(len(self.values), bool) if self.valid is None else self.valid
        exact = [
            Decimal(int(value)).scaleb(-self.scale, WIDE).normalize(WIDE) if there else None
            for value, there in zip(self.values.tolist(), shown.tolist(), strict=True)
        ]
        return self._fitting(name, lambda: pa.array(exact, MONEY))

    def _fitting(self, name: str, make: Any) -> pa.Array:
        try:
            return make()
        except pa.ArrowInvalid:
            raise UnusableValue(f"{name} has a value of more than 18 decimals or 20 digits before them") from None

    def _whole(self, name: str) -> Array:
        if not self.scale:
            return self.values
        whole, rest = self.values // 10**self.scale, self.values % 10**self.scale
        if (rest != 0 if self.valid is None else (rest != 0) & self.valid).any():
            raise UnusableValue(f"{name} is an integer and has a value that is not whole")
        return whole


def number(data_type: str, whole: Array, valid: Array | None, scale: int) -> Result:
    """Whole numbers of 10^-scale as a feature of a numeric type."""
    if data_type == "float":
        return Result(data_type, quotient(whole, 10**scale, valid), valid)
    return Result(data_type, whole, valid, scale)


def of_field(data_type: str, field: Field, keys: Array, valid: Array | None) -> Result:
    """What keys of a field stand for. Keys of rows without a value may be anything the field has."""
    if data_type in ("integer", "decimal", "float"):
        return number(data_type, field.meant(keys), valid, field.scale)
    meant = field.meant(keys) if data_type == "string" else keys
    return Result(data_type, meant.astype(bool) if data_type == "boolean" else meant, valid)


def nothing(data_type: str, rows: int) -> Result:
    """No value in any row."""
    return from_python(data_type, [None] * rows)


def quotient(dividend: Array, divisor: Any, valid: Array | None = None) -> Array:
    """Whole numbers divided, each quotient rounded once; 0 where not valid."""
    divisors = np.broadcast_to(np.asarray(divisor, None if isinstance(divisor, np.ndarray) else object), dividend.shape)
    if valid is not None and not valid.all():
        found = np.zeros(len(dividend))
        found[valid] = quotient(dividend[valid], divisors[valid])
        return found
    if not len(dividend):
        return np.zeros(0)
    if max(abs(int(dividend.max())), abs(int(dividend.min())), int(divisors.max())) <= EXACT and divisors.min() > 0:
        return dividend.astype(np.float64) / divisors.astype(np.float64)
    pairs = zip(dividend.tolist(), divisors.tolist(), strict=True)
    return np.array([a / b for a, b in pairs], np.float64)  # Python's own rounds correctly


def from_python(data_type: str, values: Sequence[Any]) -> Result:
    """Values as functions and PostgreSQL give them; None for null."""
    valid = np.array([value is not None for value in values], bool)
    if data_type in ("integer", "decimal"):
        exact = [Decimal(0) if value is None else Decimal(value) for value in values]
        scale = max([0, *(-int(value.as_tuple().exponent) for value in exact)])
        whole = np.array([int(value.scaleb(scale, WIDE)) for value in exact], object)
        return Result(data_type, whole if scale or data_type == "decimal" else _narrow(whole), valid, scale)
    if data_type == "datetime":
        moments = [value if isinstance(value, datetime | None) else datetime.fromisoformat(value) for value in values]
        return Result(data_type, np.array([0 if m is None else moment(m) for m in moments], np.int64), valid)
    empty, kind = {"float": (0.0, np.float64), "boolean": (False, bool), "string": ("", object)}[data_type]
    return Result(data_type, np.array([empty if value is None else value for value in values], kind), valid)


def _narrow(whole: Array) -> Array:
    return whole.astype(np.int64) if len(whole) and max(map(abs, whole.tolist())) < 2**63 else whole
