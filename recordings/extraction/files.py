"""Files of pictures below MEDIA_ROOT, each named by its measurement, and the removal of those that no row names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.utils import timezone

from recordings.models import MeasurementFeatures

FOLDER = "recordings/pictures"
KINDS = ("spectrogram", "spectrum")
GRACE = timedelta(hours=1)  # in which a file may wait for its row


def name_of(measurement_id: Any, kind: str) -> str:
    """In 256 folders, so that none of them is large; the end of the id is random, its beginning is time."""
    text = UUID(str(measurement_id)).hex
    return f"{FOLDER}/{text[-2:]}/{text}-{kind}.png"


def write(name: str, data: bytes) -> str:
    """Put a whole file in place, or none: whoever reads it meanwhile sees the old one or the new. Returns its name."""
    path = settings.MEDIA_ROOT / name
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.stem}.{uuid4().hex}.part")
    try:
        with part.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return name


def remove_abandoned() -> int:
    """Remove files without a row that are older than GRACE: their attempt ended early, or their row is gone."""
    removed, until = 0, (timezone.now() - GRACE).timestamp()
    for folder in _folders():
        old = [path for path in folder.iterdir() if path.stat().st_mtime < until]
        ids = {_id_of(path) for path in old} - {None}
        kept = set(MeasurementFeatures.objects.filter(pk__in=ids, error="").values_list("pk", flat=True))
        for path in old:
            if path.suffix != ".png" or _id_of(path) not in kept:
                path.unlink(missing_ok=True)
                removed += 1
    return removed


def _folders() -> Iterator[Path]:
    root = settings.MEDIA_ROOT / FOLDER
    if root.is_dir():
        yield from sorted(folder for folder in root.iterdir() if folder.is_dir())


def _id_of(path: Path) -> UUID | None:
    try:
        return UUID(path.name.partition("-")[0])
    except ValueError:
        return None
