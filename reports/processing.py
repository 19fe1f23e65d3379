"""What becomes of a new report: classified, compared, told. A batch is one transaction, so each happens once."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta

from django.db import InterfaceError, OperationalError, transaction
from django.db.models.functions import Now

from base.artifacts import ArtifactError
from reports.classification.work import classify_reports
from reports.duplicates.linking import link_duplicates
from reports.filing.aftermath import tell_filed
from reports.models import Report, Waiting
from reports.review.abuse import suspects
from reports.review.models import Why
from reports.review.work import Wanted, open_items

logger = logging.getLogger(__name__)
BATCH = 200
WAITS = [timedelta(seconds=s) for s in (10, 60, 600, 3_600, 21_600)]  # after each failure; then a person looks
NOT_ITS_FAULT = (ArtifactError, OperationalError, InterfaceError)


@transaction.atomic
def process_waiting(limit: int = BATCH) -> int:
    """Process the reports that have waited longest, in the caller's transaction if there is one. Returns how many.

    What another worker holds is left to it. A report that fails is tried again later and holds up no other.
    Raises ArtifactError: without a classifier and a finder of duplicates everything waits.
    """
    rows = Waiting.objects.filter(due_at__lte=Now()).select_related("report__reporter")
    rows = rows.order_by("due_at")  # alone: as its index has it, or all that wait would be sorted for each batch
    waiting = list(rows.select_for_update(skip_locked=True, of=("self", "report"), no_key=True)[:limit])
    if waiting and not _settled(waiting):
        for one in waiting:
            _settled([one])
    return len(waiting)


@transaction.atomic
def show_critical(limit: int = BATCH) -> int:
    """While nothing can be classified: put the critical reports that wait before a person, once. Returns how many."""
    unseen = Report.objects.filter(severity=Report.Severity.CRITICAL, waiting__isnull=False, reviews=None)
    numbers = unseen.order_by("waiting__due_at").values_list("pk", flat=True)[:limit]
    details = {"severity": Report.Severity.CRITICAL}
    return len(open_items(Wanted(report_id=pk, why=Why.URGENT, risk=0.9, details=details) for pk in numbers))


def _settled(waiting: Sequence[Waiting]) -> bool:
    """Whether all went well together; a single report that did not is put off."""
    try:
        with transaction.atomic():
            _settle(waiting)
    except NOT_ITS_FAULT:
        raise
    except Exception as error:
        if len(waiting) == 1:
            _put_off(waiting[0], error)
        return False
    return True


def _settle(waiting: Sequence[Waiting]) -> None:
    reports = [one.report for one in waiting]
    classify_reports(reports)
    link_duplicates(reports)
    open_items(suspects(waiting))
    tell_filed(waiting)
    Waiting.objects.filter(pk__in=[one.pk for one in waiting]).delete()


def _put_off(one: Waiting, error: Exception) -> None:
    logger.warning("report %s could not be processed", one.pk, exc_info=error)
    said = f"{type(error).__name__}: {error}"[:300].replace("\0", "")
    if one.attempts < len(WAITS):
        Waiting.objects.filter(pk=one.pk).update(
            attempts=one.attempts + 1, error=said, due_at=Now() + WAITS[one.attempts]
        )  # fmt: skip
        return
    open_items([Wanted(report_id=one.pk, why=Why.FLAGGED, risk=0.5, details={"error": said})])
    try:
        with transaction.atomic():
            tell_filed([one])
    except Exception:
        logger.exception("report %s is not told of", one.pk)
    Waiting.objects.filter(pk=one.pk).delete()
