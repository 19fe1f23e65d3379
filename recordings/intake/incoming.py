"""One recording on its way in, as a pair of files or as an archive: checked piece by piece, kept only as a whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from uuid import uuid4

from recordings.datatypes import UnknownDatatype
from recordings.intake.files import Kept, name_of
from recordings.layout import Layout, Misfit, lay_out
from recordings.sigmf.archive import ArchiveReader, BadArchive, Member
from recordings.sigmf.metadata import MAX_BYTES, BadMetadata, Metadata, read_metadata

META, DATA, ARCHIVE = "meta", "data", "archive"
SUFFIXES = {".sigmf-meta": META, ".sigmf-data": DATA, ".sigmf": ARCHIVE}
Write = Callable[[bytes | memoryview], object]


class Unacceptable(ValueError):
    """Readable, but no recording that we take; the message says why."""


class TooMuch(ValueError):
    """More bytes than are taken; the message says how many are."""


REFUSALS = (Unacceptable, TooMuch, BadMetadata, BadArchive, Misfit, UnknownDatatype)


@dataclass(frozen=True, slots=True)
class Arrived:
    """A recording that was checked. layout: None for metadata without samples. notes: what is odd and was accepted.

    offset: where the data begin in the file or archive that was read; 0 for a file of ours.
    """

    metadata: Metadata
    layout: Layout | None = None
    location: str = ""
    offset: int = 0
    size: int = 0
    sha512: str = ""
    notes: tuple[str, ...] = ()


class Incoming:
    """Use as a context: unless `kept`, the file that was written is gone afterwards.

    most: bytes of data that are taken. copy: whether the data become a file of ours, or are only looked at.
    Each method raises one of REFUSALS as early as it can be known.
    """

    def __init__(self, *, most: int, copy: bool = True) -> None:
        self.most = most
        self.kept = False
        self._copy = copy
        self._meta: bytearray | None = None
        self._data: Kept | None = None
        self._metadata: Metadata | None = None
        self._archive: ArchiveReader | None = None
        self._offset = 0
        self._left_out: list[str] = []

    def __enter__(self) -> Incoming:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._data is not None and not self.kept:
            self._data.discard()

    def writer(self, kind: str) -> Write:
        """What takes the bytes of the metadata, the data or the archive. Each comes once."""
        if kind == ARCHIVE:
            if self._archive or self._meta is not None or self._data:
                raise Unacceptable("An archive comes alone, and once.")
            self._archive = ArchiveReader(self._member)
            return self._archive.feed  # type: ignore[return-value]
        if self._archive:
            raise Unacceptable("An archive comes alone.")
        return self._begin_meta() if kind == META else self._begin_data()

    def finish(self) -> Arrived:
        """The recording, once all its bytes have come."""
        if self._archive is not None:
            self._archive.close()
        metadata = self._read_metadata()
        if metadata.told("metadata_only"):
            if self._data is not None:
                raise Unacceptable("The metadata says core:metadata_only, but there are data.")
            return Arrived(metadata, notes=metadata.notes)
        if self._data is None:
            raise Unacceptable("There are no data (.sigmf-data); metadata alone says core:metadata_only.")
        layout = lay_out(metadata.document, self._data.size)
        if not layout.count:
            raise Unacceptable(f"The data ({self._data.size:,} bytes) hold no sample of {metadata.datatype}.")
        if metadata.sha512 not in (None, self._data.sha512):
            raise Unacceptable("core:sha512 is not that of the data, which were changed or cut short.")
        self._data.close()
        notes = (*metadata.notes, *_notes(metadata, layout, self._left_out))
        return Arrived(metadata, layout, self._data.name, self._offset, self._data.size, self._data.sha512, notes)

    def _begin_meta(self) -> Write:
        if self._meta is not None:
            raise Unacceptable("There is more than one .sigmf-meta; a recording has one.")
        kept = self._meta = bytearray()

        def write(piece: bytes | memoryview) -> None:
            if len(kept) + len(piece) > MAX_BYTES:
                raise TooMuch(f"Metadata may have at most {MAX_BYTES >> 20} MiB.")
            kept.extend(piece)

        return write

    def _begin_data(self) -> Write:
        if self._data is not None:
            raise Unacceptable("There is more than one .sigmf-data; a recording has one.")
        kept = self._data = Kept(name_of(uuid4()) if self._copy else "")

        def write(piece: bytes | memoryview) -> None:
            if kept.size + len(piece) > self.most:
                raise TooMuch(self._too_much())
            kept.write(piece)

        return write

    def _member(self, member: Member) -> Write | None:
        name = member.file_name
        if name.endswith(".sigmf-meta"):
            if member.size > MAX_BYTES:
                raise TooMuch(f"Metadata may have at most {MAX_BYTES >> 20} MiB.")
            return self._begin_meta()
        if name.endswith(".sigmf-data") or self._is_dataset(name):
            if member.size > self.most:
                raise TooMuch(self._too_much())
            self._offset = 0 if self._copy else member.offset
            return self._begin_data()
        if member.size > self.most:
            raise TooMuch(self._too_much())
        self._left_out.append(name)
        return None

    def _is_dataset(self, name: str) -> bool:
        """Whether the metadata, if they came first, name this file as what holds the samples."""
        return self._meta is not None and self._read_metadata().told("dataset") == name

    def _read_metadata(self) -> Metadata:
        if self._meta is None:
            raise Unacceptable("There is no metadata (.sigmf-meta).")
        if self._metadata is None:
            self._metadata = read_metadata(bytes(self._meta))
        return self._metadata

    def _too_much(self) -> str:
        return f"The data may have at most {self.most:,} bytes."


def _notes(metadata: Metadata, layout: Layout, left_out: list[str]) -> list[str]:
    """Raises Misfit for annotations of samples that there are not."""
    notes = []
    if layout.spare:
        notes.append(f"The last {layout.spare} bytes are no whole sample and are left out.")
    end = (metadata.told("offset") or 0) + layout.count
    for number, annotation in enumerate(metadata.document["annotations"], 1):
        start, length = annotation["core:sample_start"], annotation.get("core:sample_count", 0)
        if start >= end:
            raise Misfit(f"Annotation {number} begins at sample {start:,}; the data end before {end:,}.")
        if start + length > end:
            notes.append(f"Annotation {number} reaches {start + length - end:,} samples beyond the data.")
    if left_out:
        notes.append(f"Left out of the archive: {', '.join(left_out)[:200]}.")
    return notes[:20]
