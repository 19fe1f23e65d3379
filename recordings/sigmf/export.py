"""A recording written back as SigMF: conforming, whatever bytes that are no samples came with it."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from recordings.samples import Samples, SamplesMissing
from recordings.sigmf.archive import archive_bytes, write_archive

PIECE = 1 << 20  # bytes
ONLY_OF_OTHERS = ("core:dataset", "core:trailing_bytes", "core:metadata_only")


@dataclass(frozen=True, slots=True)
class Export:
    """samples: None for metadata without samples. sha512: of the data that came, with what is no samples in them."""

    name: str
    metadata: dict[str, Any]
    samples: Samples | None
    sha512: str = ""

    @property
    def stem(self) -> str:
        """A file name without an ending, whatever the name is."""
        return re.sub(r"[^\w.-]+", "_", self.name).strip("._") or "recording"

    @property
    def size(self) -> int:
        """Bytes of samples."""
        return self.samples.count * self._frame if self.samples is not None else 0

    def meta(self) -> bytes:
        """The metadata of the data as `data` gives them, with their sha512."""
        document = copy.deepcopy(self.metadata)
        told = document["global"]
        for name in ONLY_OF_OTHERS:
            told.pop(name, None)
        for capture in document["captures"]:
            capture.pop("core:header_bytes", None)
        if self.samples is None:
            told["core:metadata_only"] = True
            told.pop("core:sha512", None)
        else:
            told["core:sha512"] = self.digest()
        return json.dumps(document, indent=1, ensure_ascii=False).encode()

    def digest(self) -> str:
        if self._is_conforming:
            return self.sha512
        found = hashlib.sha512()
        for piece in self.data():
            found.update(piece)
        return found.hexdigest()

    def data(self, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes of the samples from `start` to before `end`. Raises SamplesMissing."""
        end = self.size if end is None else min(end, self.size)
        if self.samples is None:
            return
        for segment in self.samples.layout.segments:
            first, last = segment.start * self._frame, (segment.start + segment.count) * self._frame
            if first < end and start < last:
                at = self.samples.origin + segment.offset
                yield from _bytes_of(self.samples, at + max(start - first, 0), at + min(end, last) - first)

    def archive(self) -> tuple[int, Iterator[bytes]]:
        """How long it is, and its bytes."""
        meta, stem = self.meta(), self.stem
        files = [(f"{stem}/{stem}.sigmf-meta", len(meta), iter([meta]))]
        if self.samples is not None:
            files.append((f"{stem}/{stem}.sigmf-data", self.size, self.data()))
        return archive_bytes((name, size) for name, size, _ in files), write_archive(files)

    @property
    def _frame(self) -> int:
        return self.samples.form.sample_bytes * self.samples.channels if self.samples is not None else 0

    @property
    def _is_conforming(self) -> bool:
        layout = self.samples.layout if self.samples is not None else None
        return layout is not None and not (layout.header_bytes or layout.trailing_bytes or layout.spare)


def _bytes_of(samples: Samples, start: int, end: int) -> Iterator[bytes]:
    with samples.opened() as file:
        while start < end:
            piece = os.pread(file.fileno(), min(PIECE, end - start), start)
            if not piece:
                raise SamplesMissing("The file of samples is shorter than it was.")
            start += len(piece)
            yield piece
