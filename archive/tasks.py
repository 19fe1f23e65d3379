"""What is done with the trail later: exports are built, and removed when their time is over."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from archive import services
from archive.building import build
from archive.models import Export
from tasks.definitions import PermanentError, every, task
from tasks.execution import TaskContext


@task(queue_name="low", takes_context=True, atomic=False, timeout_s=6 * 3600, max_running=2)
def export_trail(context: TaskContext, *, export_id: str) -> dict[str, Any]:
    """Write the file of an export. A try that was killed left nothing; the next one begins anew."""
    export = Export.objects.filter(pk=export_id).first()
    if export is None:
        raise PermanentError("The export is past its time.")
    built = build(export, services.folder(), context.progress)
    with transaction.atomic():
        services.finish(export_id=export.pk, built=built)
        context.fence()
    return {"export_id": export_id, "rows": built.rows, "bytes": built.bytes, "sha256": built.sha256}


@every(timedelta(hours=1))
@task(queue_name="low", atomic=False)
def remove_expired_exports() -> dict[str, int]:
    """Remove exports past their time, and files that nothing names."""
    return {"removed": services.remove_expired(now=timezone.now())}
