"""Recordings in a directory: found without following links out of it, and read where they are."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from recordings.intake.incoming import ARCHIVE, DATA, META, Incoming, Unacceptable
from recordings.sigmf.metadata import MAX_BYTES, Metadata, read_metadata

PIECE = 1 << 20
LONGEST = 500  # characters of a path that a row can hold
LEADS_OUT = "A link leads out of the directory."
ENDINGS = (".sigmf-meta", ".sigmf", ".sigmf-data")


@dataclass(frozen=True, slots=True)
class Found:
    """A .sigmf-meta, an archive, or a .sigmf-data that nothing describes. name: its path below the directory."""

    path: Path
    name: str
    size: int


def find(root: Path, *, recursive: bool = False) -> Iterator[Found | tuple[Path, str]]:
    """What there is, in order of names; a pair is one. What cannot be looked at comes as its path and the reason."""
    root = root.resolve()
    folders = [root]
    while folders:
        folder = folders.pop()
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            yield folder, f"cannot be read: {error.strerror}"
            continue
        names = {entry.name for entry in entries}
        for entry in entries:
            path = Path(entry.path)
            if recursive and entry.is_dir(follow_symlinks=False):
                folders.append(path)
            elif recursive and entry.is_dir():
                if not path.resolve().is_relative_to(root):  # what lies within is found without the link
                    yield path, LEADS_OUT
            elif path.suffix in ENDINGS and not (path.suffix == ".sigmf-data" and f"{path.stem}.sigmf-meta" in names):
                yield _look(root, path)


def _look(root: Path, path: Path) -> Found | tuple[Path, str]:
    try:
        path = _inside(root, path)
        size = path.stat().st_size
    except (OSError, Unacceptable) as error:
        return path, str(error) if isinstance(error, Unacceptable) else f"cannot be read: {error.strerror}"
    return Found(path, str(path.relative_to(root)).removesuffix(".sigmf-meta"), size)


def _inside(root: Path, path: Path) -> Path:
    """The plain file that a path leads to. Raises Unacceptable for one elsewhere, OSError for one that is not there."""
    real = path.resolve(strict=True)
    if not real.is_relative_to(root):
        raise Unacceptable(LEADS_OUT)
    if not stat.S_ISREG(real.stat().st_mode):
        raise Unacceptable("It is no plain file.")
    if len(str(real)) > LONGEST or not str(real).isprintable():
        raise Unacceptable(f"Its path is over {LONGEST} characters, or holds some that cannot be written.")
    return real


@dataclass(frozen=True, slots=True)
class Located:
    """Where the samples of what was found are. path: None for metadata alone. metadata: None in an archive."""

    found: Found
    path: Path | None
    size: int = 0
    metadata: Metadata | None = None


def locate(root: Path, found: Found) -> Located:
    """By the name, or by what the metadata says. Raises REFUSALS and OSError."""
    if found.path.suffix == ".sigmf":
        return Located(found, found.path, found.size)
    if found.path.suffix == ".sigmf-data":
        raise Unacceptable("There is no .sigmf-meta beside it.")
    if found.size > MAX_BYTES:
        raise Unacceptable(f"Metadata may have at most {MAX_BYTES >> 20} MiB.")
    with opened(found.path) as file:
        metadata = read_metadata(file.read(MAX_BYTES + 1))
    if metadata.told("metadata_only"):
        return Located(found, None, 0, metadata)
    name = metadata.told("dataset") or f"{found.path.stem}.sigmf-data"
    if name in (".", "..") or Path(name).name != name or "\\" in name:
        raise Unacceptable("core:dataset must be the name of a file beside it, and no path.")
    try:
        data = _inside(root.resolve(), found.path.parent / name)
    except FileNotFoundError:
        raise Unacceptable(f"There is no {name} beside it.") from None
    return Located(found, data, data.stat().st_size, metadata)


def pour(located: Located, incoming: Incoming) -> Iterator[int]:
    """Read all of it into `incoming`, which has to finish it; gives the bytes of each piece.

    Raises REFUSALS and OSError.
    """
    parts = [(located.found.path, ARCHIVE if located.found.path.suffix == ".sigmf" else META)]
    if located.path not in (None, located.found.path):
        parts.append((located.path, DATA))  # type: ignore[arg-type]
    for path, kind in parts:
        write = incoming.writer(kind)
        with opened(path) as file:
            while piece := file.read(PIECE):
                write(piece)
                yield len(piece)


def opened(path: Path) -> IO[bytes]:
    """Not through a link, should one have taken the file's place."""
    return open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK), "rb")
