"""Where the samples lie in a file: captures may each begin with bytes that are no samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from recordings.datatypes import datatype_of


class Misfit(ValueError):
    """The metadata and the size of the data contradict each other; the message says how."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Samples without a gap. start: number of the first, counted from 0; offset: its byte; count: of each channel."""

    start: int
    offset: int
    count: int


@dataclass(frozen=True, slots=True)
class Layout:
    """count: samples of each channel. header_bytes, trailing_bytes: as the metadata says. spare: bytes left over."""

    segments: tuple[Segment, ...]
    count: int
    header_bytes: int
    trailing_bytes: int
    spare: int


def lay_out(metadata: Mapping[str, Any], size: int) -> Layout:
    """The layout of `size` bytes of data by their checked SigMF metadata. Raises Misfit, UnknownDatatype."""
    told = metadata["global"]
    frame = datatype_of(told["core:datatype"]).sample_bytes * told.get("core:num_channels", 1)
    first, trailing = told.get("core:offset", 0), told.get("core:trailing_bytes", 0)
    if trailing > size:
        raise Misfit(f"core:trailing_bytes is {trailing:,}, but the data are {size:,} bytes.")
    segments: list[Segment] = []
    start = offset = headers = before = 0
    for number, capture in enumerate(metadata["captures"], 1):
        begins, header = capture["core:sample_start"] - first, capture.get("core:header_bytes", 0)
        if begins < before:
            raise Misfit(f"Capture {number} begins before the one before it, or before core:offset.")
        before = begins
        if header:
            if begins > start:
                segments.append(Segment(start, offset, begins - start))
            start, offset, headers = begins, offset + (begins - start) * frame + header, headers + header
        if offset + (begins - start) * frame + trailing > size:
            raise Misfit(f"Capture {number} begins behind the end of the data, which are {size:,} bytes.")
    count, spare = divmod(size - trailing - offset, frame)
    if count:
        segments.append(Segment(start, offset, count))
    return Layout(tuple(segments), start + count, headers, trailing, spare)
