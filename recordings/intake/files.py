"""Files of samples below MEDIA_ROOT: named by us, written and hashed as their bytes come, removed with their row."""

from __future__ import annotations

import hashlib
import logging
import os
import time
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from django.conf import settings

from recordings.models import Measurement

logger = logging.getLogger(__name__)
FOLDER = "recordings/data"
SUFFIX = ".sigmf-data"
GRACE = timedelta(hours=1)  # without a new byte, in which a file may wait for its row


def name_of(file_id: UUID) -> str:
    """In 256 folders, so that none of them is large."""
    return f"{FOLDER}/{file_id.hex[-2:]}/{file_id.hex}{SUFFIX}"


class Kept:
    """Bytes that are counted and hashed, and written if there is a name below MEDIA_ROOT for them."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.size = 0
        self._hash = hashlib.sha512()
        self._file = None
        if name:
            path = settings.MEDIA_ROOT / name
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("xb", buffering=0)

    def write(self, piece: bytes | memoryview) -> None:
        self.size += len(piece)
        self._hash.update(piece)
        if self._file is not None:
            rest = memoryview(piece)
            while rest:
                rest = rest[self._file.write(rest) :]

    @property
    def sha512(self) -> str:
        return self._hash.hexdigest()

    def close(self) -> None:
        """Returns when the bytes are on the disk, so that no row speaks of bytes that a power cut took."""
        if self._file is not None:
            os.fsync(self._file.fileno())
            self._file.close()

    def discard(self) -> None:
        if self._file is not None:
            self._file.close()
            remove([self.name])


def remove(names: Iterable[str]) -> None:
    """Remove files below MEDIA_ROOT; a name that is an absolute path is somebody else's file, which stays."""
    for name in names:
        if name and not name.startswith("/"):
            try:
                (settings.MEDIA_ROOT / name).unlink(missing_ok=True)
            except OSError:  # it is abandoned then
                logger.warning("could not remove %s", name)


def remove_abandoned() -> int:
    """Remove files without a row that nobody has written to for GRACE: their upload broke off, or their row is gone."""
    removed, until = 0, time.time() - GRACE.total_seconds()
    for folder in sorted(Path(settings.MEDIA_ROOT / FOLDER).glob("[0-9a-f][0-9a-f]")):
        where = f"{FOLDER}/{folder.name}/"
        found = Measurement.objects.filter(iq_data_location__startswith=where)
        kept = set(found.values_list("iq_data_location", flat=True))
        for path in folder.glob(f"*{SUFFIX}"):
            if where + path.name not in kept and path.stat().st_mtime < until:
                path.unlink(missing_ok=True)
                removed += 1
    return removed
