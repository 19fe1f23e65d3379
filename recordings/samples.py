"""Samples of a recording, read piece by piece from a file of any size. Knows numpy and nothing of Django."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from recordings.datatypes import Datatype, UnknownDatatype, datatype_of
from recordings.layout import Layout, Misfit, lay_out

BLOCK = 1 << 20  # samples


class SamplesMissing(Exception):
    """The file is gone, or cannot be read now."""


class SamplesDamaged(SamplesMissing):
    """The file is no longer what was registered, or never was what its metadata say: it will not come back."""


@dataclass(frozen=True, slots=True)
class Samples:
    """Samples in a file. origin: the byte at which the data begin, above 0 within an archive.

    sample_rate: Hz, None where nobody said. Only the piece that is asked for is mapped into memory, and copied, so
    memory stays flat over any length and nothing given out depends on the file.
    """

    path: Path
    form: Datatype
    layout: Layout
    sample_rate: float | None = None
    channels: int = 1
    origin: int = 0

    @property
    def datatype(self) -> str:
        return self.form.name

    @property
    def is_complex(self) -> bool:
        return self.form.is_complex

    @property
    def count(self) -> int:
        """Of each channel."""
        return self.layout.count

    def blocks(self, size: int = BLOCK, channel: int = 0) -> Iterator[np.ndarray]:
        """All samples of a channel in order, as `read` gives them; the last block may be shorter.

        Raises SamplesMissing.
        """
        for start in range(0, self.count, size):
            yield self.read(start, size, channel)

    def read(self, start: int, count: int, channel: int = 0) -> np.ndarray:
        """Up to `count` samples of a channel from number `start` on: complex64, or float32 of real ones.

        Full scale is 1.0; NaN and infinite samples stay. Raises SamplesMissing, and IndexError for a channel or start
        that there is not.
        """
        if not (0 <= channel < self.channels and 0 <= start <= self.count and count >= 0):
            raise IndexError(f"samples {start}+{count} of channel {channel}")
        end = min(start + count, self.count)
        pieces = [
            self._piece(segment.offset, max(start - segment.start, 0), min(end - segment.start, segment.count), channel)
            for segment in self.layout.segments
            if segment.start < end and start < segment.start + segment.count
        ]
        if len(pieces) == 1:
            return pieces[0]
        return np.concatenate(pieces) if pieces else np.empty(0, np.complex64 if self.is_complex else np.float32)

    def _piece(self, offset: int, start: int, end: int, channel: int) -> np.ndarray:
        parts = 2 if self.is_complex else 1
        at = self.origin + offset + start * self.channels * self.form.sample_bytes
        raw = self._map(at, (end - start) * self.channels * parts)
        if self.channels > 1:
            raw = raw.reshape(-1, self.channels, parts)[:, channel].reshape(-1)
        values = self.form.scaled(raw)
        return values.view(np.complex64) if self.is_complex else values

    def _map(self, at: int, numbers: int) -> np.ndarray:
        """Refuses a file that has become shorter: reading behind its end would kill the process."""
        with self.opened() as file:
            if os.fstat(file.fileno()).st_size < at + numbers * self.form.numbers.itemsize:
                raise SamplesDamaged("The file of samples is shorter than it was.")
            return np.asarray(np.memmap(file, self.form.numbers, "r", at, (numbers,)))

    def opened(self) -> IO[bytes]:
        """The file, unless somebody put a link in its place. Raises SamplesMissing."""
        try:
            return open(os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK), "rb")
        except OSError as error:
            raise SamplesMissing(f"The file of samples cannot be read: {error.strerror}.") from None


def open_samples(measurement: Any) -> Samples:
    """The samples of a measurement (a row of `recordings.models`). Raises SamplesDamaged if it can have none."""
    if not measurement.iq_data_location:
        raise SamplesDamaged("The measurement is metadata without samples.")
    try:
        form, layout = datatype_of(measurement.datatype), lay_out(measurement.metadata, measurement.size_bytes)
    except (Misfit, UnknownDatatype) as error:
        raise SamplesDamaged(str(error)) from None
    return Samples(
        path=Path(measurement.path),
        form=form,
        layout=layout,
        sample_rate=measurement.sample_rate,
        channels=measurement.num_channels,
        origin=measurement.data_offset,
    )
