"""How numbers are written in a file of samples, as SigMF names it: `ci16_le` is complex, two 16-bit integers."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

NAMES = re.compile(r"(?P<kind>[cr])(?:(?P<byte>[iu]8)(?:_[lb]e)?|(?P<number>[iu]16|[iu]32|f32|f64)_(?P<order>[lb])e)")
WITHOUT_ORDER = re.compile(r"[cr](?:[iu]16|[iu]32|f32|f64)")


class UnknownDatatype(ValueError):
    """No datatype of SigMF; the message says what is."""


@dataclass(frozen=True, slots=True)
class Datatype:
    """name: as SigMF writes it. numbers: of one component in the file. is_complex: a sample is two of them, I and Q."""

    name: str
    numbers: np.dtype
    is_complex: bool

    @property
    def sample_bytes(self) -> int:
        """Of one sample of one channel."""
        return self.numbers.itemsize * (2 if self.is_complex else 1)

    def scaled(self, raw: np.ndarray) -> np.ndarray:
        """Components as float32 in a new array, full scale of integers being 1.0 (so a byte's 0…255 is −1…127/128)."""
        if self.numbers.kind == "f":
            with np.errstate(over="ignore"):  # what float32 cannot hold is infinite
                return raw.astype(np.float32)
        bits = 8 * self.numbers.itemsize
        if self.numbers.kind == "u":  # flipping the highest bit takes the offset away exactly
            native = raw.astype(self.numbers.newbyteorder("="))
            native ^= native.dtype.type(1 << (bits - 1))
            raw = native.view(f"i{self.numbers.itemsize}")
        return np.multiply(raw, np.float32(2.0 ** (1 - bits)), dtype=np.float32, casting="unsafe")


def datatype_of(name: str) -> Datatype:
    """Raises UnknownDatatype."""
    found = NAMES.fullmatch(name)
    if found is None:
        if WITHOUT_ORDER.fullmatch(name):
            raise UnknownDatatype(f"The datatype {name} must say its order of bytes: {name}_le or {name}_be.")
        raise UnknownDatatype(f"{name[:40]!r} is no datatype of SigMF, such as cf32_le, ci16_le, ci8, cu8 or ri16_le.")
    number = found["byte"] or found["number"]
    order = ">" if found["order"] == "b" else "<"
    numbers = np.dtype(f"{order}{number[0]}{int(number[1:]) // 8}")
    return Datatype(name, numbers, is_complex=found["kind"] == "c")
