"""Ask for exports of the trail, and let them go again. Both leave an entry in it."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from archive.models import Export
from audit.search import filtered
from audit.services import log_audit_event
from base import context
from tasks.models import Task

if TYPE_CHECKING:
    from archive.building import Built

ORPHANED = timedelta(days=1)  # a file without a row is left alone for so long


def folder() -> Path:
    return Path(settings.AUDIT_EXPORTS_DIR)


def file_of(export: Export) -> Path:
    return folder() / export.path


@transaction.atomic
def request_export(*, filters: dict[str, str], format: str, reason: str = "") -> Export:
    """Store an export with the task that builds it. Raises ValidationError for filters that mean nothing."""
    from archive.tasks import export_trail

    filtered(filters)
    export = Export.objects.create(
        filters=filters,
        format=format,
        reason=reason,
        requested_by_id=context.current().user_id,
        expires_at=timezone.now() + timedelta(days=settings.AUDIT_EXPORT_DAYS),
    )
    export.refresh_from_db()
    task = export_trail.using(subject=("audit_export", str(export.pk))).enqueue(export_id=str(export.pk))
    export.task_id = UUID(str(task.id))
    export.save(update_fields=["task_id"])
    asked = {"format": format, "filters": filters, "reason": reason}
    log_audit_event("audit_export_requested", "audit_export", export.pk, asked)
    return export


def finish(*, export_id: Any, built: Built) -> None:
    """Note the file an export became. The caller's transaction ends with its fence."""
    Export.objects.filter(pk=export_id).update(
        path=built.path,
        rows=built.rows,
        bytes=built.bytes,
        sha256=built.sha256,
        manifest=built.manifest,
        finished_at=Now(),
    )


def note_download(export: Export) -> None:
    log_audit_event("audit_export_downloaded", "audit_export", export.pk, {"sha256": export.sha256})


def state_of(export: Export, task: Task | None) -> str:
    """`completed` once there is a file; else what its task says."""
    if export.finished_at is not None:
        return "completed"
    return "failed" if task is None or task.status == "completed" else str(task.status)


def tasks_of(exports: list[Export]) -> dict[Any, Task]:
    return Task.objects.in_bulk([export.task_id for export in exports if export.task_id])


def remove_expired(*, now: datetime) -> int:
    """Remove exports past their time, and files that no row names. Returns how many exports."""
    removed = 0
    for export in Export.objects.filter(expires_at__lte=now):
        with transaction.atomic():
            log_audit_event("audit_export_expired", "audit_export", export.pk, {"sha256": export.sha256})
            export.delete()
        if export.path:
            file_of(export).unlink(missing_ok=True)
        removed += 1
    if folder().is_dir():
        known = set(Export.objects.values_list("path", flat=True))
        for file in folder().iterdir():
            old = file.stat().st_mtime < (now - ORPHANED).timestamp()
            if file.is_file() and old and file.name not in known:
                file.unlink(missing_ok=True)
    return removed
