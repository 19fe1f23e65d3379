"""Samples that are an array in memory, read the way samples of a file are."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

FULL_SCALE = {"ci16_le": 1 << 15, "ri16_le": 1 << 15, "ci8": 1 << 7}


@dataclass(frozen=True)
class ArraySamples:
    """One channel: complex64, or float32 for real samples, with full scale at 1.0. sample_rate: Hz, if known."""

    values: np.ndarray
    sample_rate: float | None = None
    datatype: str = ""
    channels: int = 1

    def __post_init__(self) -> None:
        is_complex = np.iscomplexobj(self.values)
        object.__setattr__(self, "values", self.values.astype(np.complex64 if is_complex else np.float32, copy=False))
        object.__setattr__(self, "datatype", self.datatype or ("cf32_le" if is_complex else "rf32_le"))

    @property
    def is_complex(self) -> bool:
        return bool(np.iscomplexobj(self.values))

    @property
    def count(self) -> int:
        return len(self.values)

    def blocks(self, size: int = 1 << 20, channel: int = 0) -> Iterator[np.ndarray]:
        for start in range(0, self.count, size):
            yield self.read(start, size)

    def read(self, start: int, count: int, channel: int = 0) -> np.ndarray:
        return self.values[start : start + count]
