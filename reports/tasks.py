"""What reports do behind: each new one is classified and compared, once, in batches."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from reports import processing
from reports.filing import limits, photos
from reports.review import watch
from tasks.definitions import every, task
from tasks.execution import TaskContext


@every(timedelta(minutes=1))  # those that are tried again; a new one is asked for at once
@task(takes_context=True, atomic=False, timeout_s=600)
def process_reports(context: TaskContext) -> dict[str, Any]:
    """Take waiting reports batch by batch, and leave none. Many new reports coalesce into one run of this."""
    total = 0
    while done := _process_batch(context):
        total += done
        context.progress(0, f"{total} reports")
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
