"""Where signed heads are kept: a file that is only appended to, or a folder of objects anywhere fsspec can reach."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

TAIL = 4096  # bytes in which the last line surely begins


class HeadStore(Protocol):
    def append(self, sequence: int, line: str) -> None:
        """Keep a line for good before returning."""

    def last(self) -> str:
        """The newest line; empty when there is none."""

    def lines(self) -> Iterator[str]:
        """Every line, oldest first."""


class HeadFile:
    """One line a head. Let the file system refuse all but appending, as `chattr +a` does."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, sequence: int, line: str) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        is_new = not self.path.exists()
        handle = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            size = os.fstat(handle).st_size
            gap = "\n" if size and os.pread(handle, 1, size - 1) != b"\n" else ""  # a line broken off by a crash
            os.write(handle, f"{gap}{line}\n".encode())
            os.fsync(handle)
        finally:
            os.close(handle)
        if is_new:
            folder = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def last(self) -> str:
        try:
            with self.path.open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL))
                found = file.read().decode(errors="replace").splitlines()
        except FileNotFoundError:
            return ""
        return found[-1] if found else ""

    def lines(self) -> Iterator[str]:
        try:
            with self.path.open(encoding="utf-8", errors="replace") as file:
                yield from (line.rstrip("\n") for line in file)
        except FileNotFoundError:
            return


class HeadObjects:
    """One object a head, named by its number, never written twice: fit for a bucket whose objects are locked."""

    def __init__(self, url: str) -> None:
        import fsspec  # requirements/science.txt

        self.files, root = fsspec.core.url_to_fs(url)
        self.root = root.rstrip("/")

    def append(self, sequence: int, line: str) -> None:
        self.files.makedirs(self.root, exist_ok=True)
        self.files.pipe_file(f"{self.root}/{sequence:020d}.json", line.encode())

    def last(self) -> str:
        names = self._names()
        return self._read(names[-1]) if names else ""

    def lines(self) -> Iterator[str]:
        yield from map(self._read, self._names())

    def _read(self, name: str) -> str:
        return self.files.cat_file(name).decode(errors="replace").strip()

    def _names(self) -> list[Any]:
        self.files.invalidate_cache()
        try:
            return sorted(name for name in self.files.ls(self.root, detail=False) if name.endswith(".json"))
        except FileNotFoundError:
            return []


def store_at(place: str) -> HeadStore:
    """A path, or an address such as s3://bucket/heads."""
    if "://" in place and not place.startswith("file://"):
        return HeadObjects(place)
    return HeadFile(Path(place.removeprefix("file://")))
