"""Photos of reports: files named by us, rows that name them, and the removal of files that no row names."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from audit.services import log_audit_event
from reports.filing.limits import take
from reports.filing.pictures import Picture, rewrite
from reports.filing.points import give_points
from reports.models import Photo, Report

logger = logging.getLogger(__name__)
FOLDER = "reports"
PER_REPORT = 5
GRACE = timedelta(hours=1)  # in which a file may wait for its row
FINISHED = {Report.Status.REJECTED, Report.Status.DUPLICATE}


class NoMorePhotos(Exception):
    """The report has as many as it may have, or is finished."""


def add_photo(*, report: Report, by: Any, data: bytes) -> tuple[Photo, bool]:
    """Keep a picture of a report. The second is False for one that it has already, which is then given back.

    Raises NotAPicture, Busy, NoMorePhotos, TooOften, Blocked.
    """
    picture = rewrite(data)
    known = Photo.objects.filter(report=report, sha256=picture.sha256).first()
    if known is not None:
        return known, False
    photo_id = uuid4()
    names = [_write(name_of(photo_id), picture.full), _write(name_of(photo_id, small=True), picture.small)]
    try:
        photo = _store(report, by, photo_id, picture)
    except BaseException:
        _remove(names)
        raise
    if photo.pk != photo_id:  # the same picture came twice at once
        _remove(names)
    return photo, photo.pk == photo_id


@transaction.atomic
def _store(report: Report, by: Any, photo_id: UUID, picture: Picture) -> Photo:
    now = Report.objects.select_for_update(no_key=True).get(pk=report.pk)
    photos = list(now.photos.all())
    for known in photos:
        if known.sha256 == picture.sha256:
            return known
    if now.status in FINISHED:
        raise NoMorePhotos(f"The report is {now.get_status_display().lower()}.")
    if len(photos) >= PER_REPORT:
        raise NoMorePhotos(f"A report has at most {PER_REPORT} photos.")
    take(by, "photo")
    photo = Photo.objects.create(
        id=photo_id,
        report=now,
        uploaded_by=by,
        file=name_of(photo_id),
        width=picture.width,
        height=picture.height,
        size_bytes=len(picture.full),
        sha256=picture.sha256,
        created_at=timezone.now(),
    )
    if not photos:
        give_points(now.reporter_id if now.reporter_id == by.pk else None, "photo", ("report", str(now.pk)))
    log_audit_event("report_photo_added", "report", now.pk, {"photo": str(photo_id)})
    return photo


@transaction.atomic
def remove_photo(*, photo: Photo) -> None:
    """Take a photo away; its files go with it, at the latest by `remove_abandoned`."""
    names = [name_of(photo.pk), name_of(photo.pk, small=True)]
    Photo.objects.filter(pk=photo.pk).delete()
    log_audit_event("report_photo_removed", "report", photo.report_id, {"photo": str(photo.pk)})
    transaction.on_commit(lambda: _remove(names), robust=True)


def name_of(photo_id: UUID, *, small: bool = False) -> str:
    """In 256 folders, so that none of them is large."""
    text = photo_id.hex
    return f"{FOLDER}/{text[:2]}/{text}{'-small' if small else ''}.jpg"


def remove_abandoned() -> int:
    """Remove files without a row that are older than GRACE: their transaction was rolled back, or their row is gone."""
    removed, until = 0, timezone.now() - GRACE
    for folder in _folders():
        names = [f"{folder}/{file}" for file in default_storage.listdir(folder)[1]]
        kept = set(Photo.objects.filter(file__startswith=f"{folder}/").values_list("file", flat=True))
        for name in names:
            if name.replace("-small.", ".") not in kept and default_storage.get_modified_time(name) < until:
                default_storage.delete(name)
                removed += 1
    return removed


def _folders() -> Iterator[str]:
    if default_storage.exists(FOLDER):
        for folder in sorted(default_storage.listdir(FOLDER)[0]):
            yield f"{FOLDER}/{folder}"


def _write(name: str, data: bytes) -> str:
    return default_storage.save(name, ContentFile(data))


def _remove(names: list[str]) -> None:
    for name in names:
        try:
            default_storage.delete(name)
        except OSError:  # it is abandoned then
            logger.warning("could not remove %s", name)
