"""SigMF archives, which are tar files: read as their bytes come in, and written as they go out.

What comes in is never trusted: only plain files and folders, with names that stay where they are, none of them larger
than its reader takes. Nothing is unpacked by name.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

BLOCK = tarfile.BLOCKSIZE
MAX_MEMBERS = 64
MAX_EXTENSION = 64 << 10  # bytes of a header that continues another
RECORD = re.compile(rb"(\d{1,6}) ([^=\n]{1,200})=")
OTHERS = {
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "zip",
    b"\xfd7zXZ": "xz",
    b"BZh": "bzip2",
    b"\x28\xb5\x2f\xfd": "zstd",
}
KINDS = {
    tarfile.LNKTYPE: "a link",
    tarfile.SYMTYPE: "a link",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.FIFOTYPE: "a pipe",
    tarfile.GNUTYPE_SPARSE: "a sparse file",
}
FILES = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE)


class BadArchive(ValueError):
    """No archive that we take; the message says why."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive. offset: where its bytes begin in the archive."""

    name: str
    size: int
    offset: int

    @property
    def file_name(self) -> str:
        return PurePosixPath(self.name).name


Take = Callable[[Member], Callable[[bytes | memoryview], object] | None]


class ArchiveReader:
    """Feed it an archive in pieces of any size, then `close` it. Both raise BadArchive, as early as can be known.

    take: asked for every file before its bytes; gives what takes them, or None to pass over them.
    """

    def __init__(self, take: Take) -> None:
        self._take = take
        self._head = bytearray()  # of a header, or of what continues one
        self._wanted = BLOCK
        self._read: Callable[[bytes], None] = self._first
        self._write: Callable[[bytes | memoryview], object] | None = None
        self._left = self._padding = 0  # bytes of the present file still to come, and behind it
        self._told: dict[str, str] = {}  # by headers that continue the next one
        self._position = self._members = 0
        self._ended = False

    def feed(self, piece: bytes) -> None:
        view = memoryview(piece)
        while view:
            room = self._left or self._padding or self._wanted - len(self._head)
            part, view = view[:room], view[room:]
            self._position += len(part)
            self._accept(part)

    def close(self) -> None:
        if not self._ended:
            raise BadArchive("The archive is cut short." if self._position else "The archive is empty.")

    def _accept(self, part: memoryview) -> None:
        if self._left:
            self._left -= len(part)
            if self._write is not None:
                self._write(part)
        elif self._padding:
            self._padding -= len(part)
        elif self._ended:
            if any(part):
                raise BadArchive("Bytes follow the end of the archive.")
        else:
            self._head += part
            if len(self._head) == self._wanted:
                head, self._head = bytes(self._head), bytearray()
                self._read(head)

    def _first(self, block: bytes) -> None:
        for begins, name in OTHERS.items():
            if block.startswith(begins):
                raise BadArchive(f"This is {name}; a SigMF archive is a tar file that is not compressed.")
        self._read = self._header
        self._header(block)

    def _header(self, block: bytes) -> None:
        if not any(block):
            self._ended = True
            return
        try:
            info = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
        except (tarfile.HeaderError, UnicodeDecodeError):
            raise BadArchive(f"There is no tar header at byte {self._position - BLOCK:,}.") from None
        self._members += 1
        if self._members > MAX_MEMBERS:
            raise BadArchive(f"An archive may hold at most {MAX_MEMBERS} files and folders.")
        if info.size < 0:
            raise BadArchive("A file in the archive has a size below zero.")
        if info.type in (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME):
            self._continue(info)
        else:
            self._enter(info)

    def _continue(self, info: tarfile.TarInfo) -> None:
        """The next bytes belong to the header that follows."""
        if not 0 < info.size <= MAX_EXTENSION:
            raise BadArchive(f"A header in the archive is {info.size:,} bytes.")
        self._wanted, size = -(-info.size // BLOCK) * BLOCK, info.size

        def read(head: bytes) -> None:
            self._wanted, self._read = BLOCK, self._header
            told = _records(head[:size]) if info.type != tarfile.GNUTYPE_LONGNAME else {"path": _long_name(head[:size])}
            if any(name.startswith("GNU.sparse") for name in told):
                raise BadArchive("The archive holds a sparse file.")
            if info.type != tarfile.XGLTYPE:
                self._told |= told
            elif told.keys() & {"path", "size", "linkpath"}:
                raise BadArchive("The archive names all its files at once.")

        self._read = read

    def _enter(self, info: tarfile.TarInfo) -> None:
        told, self._told = self._told, {}
        name = _checked(told.get("path", info.name))
        size = _size(told["size"]) if "size" in told else info.size
        if info.type == tarfile.DIRTYPE and not size:
            return
        if info.type not in FILES:
            raise BadArchive(f"{name[:80]!r} in the archive is {KINDS.get(info.type, 'no plain file')}.")
        self._left, self._padding = size, -size % BLOCK
        self._write = self._take(Member(name, size, self._position))


def _records(data: bytes) -> dict[str, str]:
    """What a pax header says."""
    told, at = {}, 0
    while at < len(data):
        found = RECORD.match(data, at)
        end = at + int(found[1]) if found else 0
        if found is None or end > len(data) or end <= found.end() or data[end - 1] != 10:
            raise BadArchive("A pax header in the archive is damaged.")
        try:
            told[found[2].decode()] = data[found.end() : end - 1].decode()
        except UnicodeDecodeError:
            raise BadArchive("A pax header in the archive is not UTF-8.") from None
        at = end
    return told


def _long_name(data: bytes) -> str:
    try:
        return data.rstrip(b"\0").decode()
    except UnicodeDecodeError:
        raise BadArchive("A name in the archive is not UTF-8.") from None


def _size(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise BadArchive("A file in the archive has a size that is no number.")
    return int(text)


def _checked(name: str) -> str:
    if not name or len(name) > 1_000 or not name.isprintable() or "\\" in name:
        raise BadArchive("A name in the archive is empty, too long, or holds characters that names should not.")
    if name.startswith("/") or ".." in name.split("/"):
        raise BadArchive(f"{name[:80]!r} in the archive leads out of it.")
    return name


def write_archive(files: Iterable[tuple[str, int, Iterable[bytes]]]) -> Iterator[bytes]:
    """An archive of files as (name, size, bytes), piece by piece."""
    for name, size, pieces in files:
        info = tarfile.TarInfo(name)
        info.size = size
        yield info.tobuf(tarfile.PAX_FORMAT)
        yield from pieces
        yield bytes(-size % BLOCK)
    yield bytes(2 * BLOCK)


def archive_bytes(files: Iterable[tuple[str, int]]) -> int:
    """How long `write_archive` of files of these names and sizes is."""
    known = list(files)
    return sum(map(len, write_archive((name, size, []) for name, size in known))) + sum(size for _, size in known)
