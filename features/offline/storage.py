"""Where the files are: a folder, or whatever fsspec can reach. Paths are relative to EXPORT_URL, with slashes."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

import fsspec
from django.conf import settings
from fsspec.implementations.local import LocalFileSystem
from pyarrow import fs as arrow_fs

from features.offline import require

EVENTS, MANIFEST, UNFINISHED = "events", "manifest.json", ".unfinished"


class Storage:
    """Files that appear whole or not at all, under names that say what is in them."""

    def __init__(self, url: str) -> None:
        self.fs, self.root = fsspec.core.url_to_fs(url)
        self.root = self.root.rstrip("/")
        self.local = isinstance(self.fs, LocalFileSystem)

    def full(self, path: str) -> str:
        return f"{self.root}/{path}"

    @property
    def arrow(self) -> Any:
        """The same file system as pyarrow takes it."""
        return arrow_fs.LocalFileSystem() if self.local else arrow_fs.PyFileSystem(arrow_fs.FSSpecHandler(self.fs))

    def open(self, path: str) -> Any:
        """A file for pyarrow to read from. Raises FileNotFoundError."""
        return self.arrow.open_input_file(self.full(path))

    @contextmanager
    def unfinished(self) -> Iterator[Path]:
        """A place on this machine to write a file in before `publish`; it is gone afterwards."""
        folder = Path(self.full(UNFINISHED)) if self.local else Path(tempfile.gettempdir())
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=folder, prefix="millrace-", suffix=".parquet")
        os.close(handle)
        try:
            yield Path(name)
        finally:
            Path(name).unlink(missing_ok=True)

    def publish(self, finished: Path, path: str) -> None:
        """Put a finished file in its place, in one step and for good."""
        if not self.local:
            self.fs.makedirs(self.full(path).rpartition("/")[0], exist_ok=True)
            self.fs.put_file(str(finished), self.full(path))
            return
        target = Path(self.full(path))
        new = [folder for folder in target.parents if not folder.exists()]
        target.parent.mkdir(parents=True, exist_ok=True)
        _sync(finished)
        os.chmod(finished, 0o640)
        os.replace(finished, target)
        for folder in [target.parent, *(folder.parent for folder in new)]:
            _sync(folder)

    def write_text(self, path: str, text: str) -> None:
        if not self.local:
            self.fs.makedirs(self.root, exist_ok=True)
            self.fs.pipe_file(self.full(path), text.encode())
            return
        with self.unfinished() as place:
            place.write_text(text, encoding="utf-8")
            self.publish(place, path)

    def read_text(self, path: str) -> str | None:
        try:
            return self.fs.cat_file(self.full(path)).decode()
        except FileNotFoundError:
            return None

    def listed(self) -> set[str]:
        """Every file under `events/`, and what a dead writer left unfinished."""
        found: set[str] = set()
        self.fs.invalidate_cache()
        for folder in (EVENTS, UNFINISHED):
            try:
                names = self.fs.find(self.full(folder), withdirs=False)
            except FileNotFoundError:
                continue
            found |= {name[len(self.root) + 1 :] for name in names}
        return found

    def remove(self, paths: Iterable[str]) -> int:
        """Remove files, gone ones too. Returns how many were there."""
        removed = 0
        for path in paths:
            try:
                self.fs.rm_file(self.full(path))
                removed += 1
            except FileNotFoundError:
                continue
        return removed

    def sha256(self, path: str) -> tuple[str, int]:
        """The hash of a file's bytes, and how many they are. Raises FileNotFoundError."""
        with self.fs.open(self.full(path), "rb") as file:
            return hashed(file)


def hashed(file: BinaryIO) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    while block := file.read(1 << 22):
        digest.update(block)
        size += len(block)
    return digest.hexdigest(), size


def storage() -> Storage:
    """The place EXPORT_URL names. Raises OfflineStoreUnavailable."""
    require()
    return _storage(settings.EXPORT_URL)


@lru_cache(maxsize=4)
def _storage(url: str) -> Storage:
    return Storage(url)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
