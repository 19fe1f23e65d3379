"""What reports do behind: each new one is classified and compared, once, in batches."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from base.artifacts import ArtifactError
from reports import processing
from reports.filing import leaving, limits, photos
from reports.models import Report
from reports.review import abuse, watch
from tasks.definitions import every, task
from tasks.execution import TaskContext


@every(timedelta(minutes=1))  # those that are tried again; a new one is asked for at once
@task(takes_context=True, atomic=False, timeout_s=600)
def process_reports(context: TaskContext) -> dict[str, Any]:
    """Take waiting reports batch by batch, and leave none. Many new reports coalesce into one run of this.

    Raises ArtifactError while a model cannot be read: reports wait then, but for a person to see the critical ones.
    """
    total = 0
    try:
        while done := _process_batch(context):
            total += done
            context.progress(0, f"{total} reports")
    except ArtifactError:
        processing.show_critical()
        raise
    return {"reports": total}


@transaction.atomic
def _process_batch(context: TaskContext) -> int:
    done = processing.process_waiting()
    if done:
        context.fence()
    return done


PROCESSING = process_reports.using(coalesce_key="process_reports")


def request_processing() -> str:
    """Ask for `process_reports`, unless one that has not started yet will see the caller's rows. Returns its id."""
    return PROCESSING.enqueue().id


@task()
def look_into_filer(*, report_id: int) -> dict[str, int]:
    """After a report was refused for a fault of who filed it: have the others of a series seen."""
    return {"reports": abuse.look_into(Report.objects.get(pk=report_id))}


@task(queue_name="low", max_attempts=8, atomic=False)
def forget_reporter(*, user_id: int) -> dict[str, int]:
    """What somebody reported stays without them, after they have deleted their account."""
    return {"reports": leaving.forget_reporter(user_id)}


@every(timedelta(hours=1))
@task(queue_name="low")
def warn_of_late_reviews() -> dict[str, list[str]]:
    """Tell departments whose overdue reviews have become more."""
    return {"told": watch.warn_of_late_reviews(now=timezone.now())}


@every(timedelta(hours=1))
@task(queue_name="low", atomic=False, timeout_s=600)
def tidy_reports() -> dict[str, int]:
    """Remove counts of hours and days that are over, and files of photos that are none."""
    return {"tallies": limits.forget_tallies(), "files": photos.remove_abandoned()}
