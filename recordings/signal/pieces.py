"""Samples in pieces of one length, however they are read, so that what is measured depends on the samples alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy import fft

PIECE = 1 << 16  # samples; half a megabyte stays in the processor's cache
CONTEXT = 1 << 10  # samples to either side of a real piece, for its analytic signal
SHORT = 1 << 13  # samples of a transform, without the context
EDGE = 64  # samples at either end of a real recording that are not looked at for peaks
LARGEST = 1e8  # components beyond it (160 dB over full scale) are no samples: their fourth power has no float32


class Samples(Protocol):
    """What can be measured: see `recordings.samples.Samples`, which reads files."""

    @property
    def datatype(self) -> str: ...
    @property
    def is_complex(self) -> bool: ...
    @property
    def sample_rate(self) -> float | None: ...
    @property
    def count(self) -> int: ...
    def blocks(self, size: int = ..., channel: int = ...) -> Iterator[np.ndarray]: ...
    def read(self, start: int, count: int, channel: int = ...) -> np.ndarray: ...


@dataclass(frozen=True)
class Piece:
    """values: complex, zero where a sample is invalid. waveform: the components as they are sampled, likewise.

    power: |values|². valid: None if all samples are, or which of them are. inner: without the ends of a real recording,
    where its analytic signal is a guess.
    """

    start: int
    values: np.ndarray
    waveform: np.ndarray
    power: np.ndarray
    valid: np.ndarray | None
    inner: slice

    @property
    def valid_count(self) -> int:
        return len(self.values) if self.valid is None else int(np.count_nonzero(self.valid))


def pieces(samples: Samples, *, channel: int = 0, block: int = 1 << 20) -> Iterator[Piece]:
    """All samples of a channel in pieces of PIECE, the last one shorter. block: how many are read at once."""
    found = (valid_only(raw) for raw in _equal(samples.blocks(block, channel)))
    return _complex(found) if samples.is_complex else _real(found)


def valid_only(values: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """The samples with zeros for those that are NaN, infinite or beyond LARGEST, and which are none of these."""
    values = np.ascontiguousarray(values)
    parts = components(values)
    largest = max(float(parts.max()), -float(parts.min())) if len(parts) else 0.0
    if largest <= LARGEST:  # not so with a NaN
        return values, None
    fine = np.abs(parts) <= LARGEST
    valid = fine.reshape(-1, 2).all(axis=1) if np.iscomplexobj(values) else fine
    return np.where(valid, values, values.dtype.type(0)), valid


def components(values: np.ndarray) -> np.ndarray:
    """I and Q in turn of complex samples, real ones as they are; a view."""
    return values.view(np.float32) if np.iscomplexobj(values) else values


def squared(values: np.ndarray) -> np.ndarray:
    """|x|² of complex samples."""
    parts = components(values)
    result = parts[0::2] * parts[0::2]
    result += parts[1::2] * parts[1::2]
    return result


def analytic(real: np.ndarray) -> np.ndarray:
    """x + j·H{x}: the same without its negative frequencies (Gabor, 1946; Marple, IEEE Trans. SP 47(9), 1999).

    Of the last axis. A sine of amplitude 1 becomes a complex tone of power 1, as a full-scale tone of complex samples.
    """
    count = real.shape[-1]
    length = fft.next_fast_len(max(count, 1), real=False)
    spectrum = np.zeros((*real.shape[:-1], length), np.complex64)
    half = fft.rfft(real, length, workers=1)
    np.multiply(half, 2, out=spectrum[..., : half.shape[-1]])
    spectrum[..., 0] /= 2
    if length % 2 == 0:
        spectrum[..., length // 2] /= 2
    return fft.ifft(spectrum, overwrite_x=True, workers=1)[..., :count]


def _equal(blocks: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    kept: list[np.ndarray] = []
    missing = PIECE
    for block in blocks:
        while len(block):
            part, block = block[:missing], block[missing:]
            kept.append(part)
            missing -= len(part)
            if not missing:
                yield np.concatenate(kept) if len(kept) > 1 else part
                kept, missing = [], PIECE
    if kept:
        yield np.concatenate(kept)


def _complex(found: Iterator[tuple[np.ndarray, np.ndarray | None]]) -> Iterator[Piece]:
    for number, (values, valid) in enumerate(found):
        yield Piece(number * PIECE, values, components(values), squared(values), valid, slice(None))


def _real(found: Iterator[tuple[np.ndarray, np.ndarray | None]]) -> Iterator[Piece]:
    """A piece's analytic signal sees CONTEXT samples of its neighbours, so that pieces have no edges.

    Recordings have; there the piece is mirrored.
    """
    before: np.ndarray | None = None
    number, here = 0, next(found, None)
    while here is not None:
        after = next(found, None)
        waveform, valid = here
        mirrored = waveform[::-1]
        left = mirrored[-CONTEXT:] if before is None else before
        right = after[0][:CONTEXT] if after else mirrored[:CONTEXT]
        around = np.concatenate([left, waveform, right])
        if len(around) == PIECE + 2 * CONTEXT:  # short transforms stay in the cache
            rows = np.lib.stride_tricks.sliding_window_view(around, SHORT + 2 * CONTEXT)[::SHORT]
            values = analytic(rows)[:, CONTEXT:-CONTEXT].reshape(-1)
        else:
            values = analytic(around)[len(left) :][: len(waveform)]
        if valid is not None:
            values[~valid] = 0
        inner = slice(EDGE if before is None else 0, -EDGE if after is None else None)
        long = len(waveform) > 4 * EDGE
        yield Piece(number * PIECE, values, waveform, squared(values), valid, inner if long else slice(None))
        before, number, here = waveform[-CONTEXT:], number + 1, after
