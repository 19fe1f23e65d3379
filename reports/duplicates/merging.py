"""Merge reports about the same thing, take them apart again, and say that they are not the same.

What people merged is a forest: each merged report has one link to where somebody put it. `Report.merged_into` is its
root, so whoever reads needs one step.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import OperationalError, transaction
from django.utils import timezone
from psycopg2.errors import DeadlockDetected

from audit.services import log_audit_event
from base.worklist import OwnWork, WrongState
from reports.duplicates.models import DuplicateLink
from reports.duplicates.people import counting, own_votes, set_count
from reports.filing.services import WrongStatus, change_status
from reports.locks import AT_ONCE, lock_report, lock_trees
from reports.models import Report
from reports.places import distance_m

State = DuplicateLink.State
DAY_S = 86_400


@contextmanager
def _one_of_two() -> Iterator[None]:
    """Should two wait for one another all the same, the database lets one go on, and the other reads a sentence."""
    try:
        with transaction.atomic():
            yield
    except OperationalError as error:
        if isinstance(error.__cause__, DeadlockDetected):
            raise WrongState(AT_ONCE) from None
        raise


@_one_of_two()
def merge(*, report_id: int, into_id: int, by: Any, note: str = "") -> DuplicateLink:
    """The report is the same problem as another, which goes on for both; what was merged into it goes along.

    note: for staff. Raises WrongState, OwnWork, Report.DoesNotExist.
    """
    locked = lock_trees(report_id, into_id)
    report, into = locked[report_id], locked[into_id]
    _refuse_own(report, by)
    if report.pk == into.pk:
        raise WrongState("A report is not a duplicate of itself.")
    if report.merged_into_id:
        raise WrongState(f"Report {report.pk} is merged already, into report {report.merged_into_id}.")
    root = locked[into.merged_into_id or into.pk]
    if root.pk == report.pk:
        raise WrongState(f"Report {into.pk} is merged into report {report.pk}; take that apart first.")
    if root.merged_into_id:
        raise WrongState(AT_ONCE)
    before = {"status_before": report.status, "closed_before": report.closed_at, "votes": own_votes(report.pk)}
    with counting(root.pk):
        link = _decided(report, into, State.MERGED, by, note, **before)
        Report.objects.filter(merged_into=report).update(merged_into=root)
        try:
            told = f"The same as report {root.pk}, where it goes on."
            change_status(report=report, to=Report.Status.DUPLICATE, by=by, note=told, merged_into=root)
        except WrongStatus as error:
            raise WrongState(str(error)) from None
    log_audit_event("report_merged", "report", report.pk, {"into": into.pk, "root": root.pk, "note": note})
    return link


@_one_of_two()
def unmerge(*, report_id: int, by: Any, note: str = "") -> DuplicateLink:
    """Undo a merge: the report goes on by itself where it was, with what was merged into it and its own count.

    Raises WrongState, Report.DoesNotExist.
    """
    report = lock_trees(report_id)[report_id]
    link = DuplicateLink.objects.filter(report=report, state=State.MERGED).first()
    if link is None or report.merged_into is None:
        raise WrongState(f"Report {report.pk} is not merged.")
    root_id = report.merged_into.pk
    below = _below(report.pk)
    with counting(root_id):
        change_status(report=report, to=link.status_before, by=by, note="It goes on by itself again.")
        Report.objects.filter(pk=report.pk).update(closed_at=link.closed_before)
        Report.objects.filter(pk__in=below).update(merged_into=report)
        link.state, link.decided_by, link.decided_at, link.note = State.UNMERGED, by, timezone.now(), note
        link.save(update_fields=["state", "decided_by", "decided_at", "note"])
    set_count(report.pk, link.votes)
    log_audit_event("report_unmerged", "report", report.pk, {"from": link.original_id, "root": root_id, "note": note})
    return link


@_one_of_two()
def reject(*, report_id: int, into_id: int, by: Any, note: str = "") -> DuplicateLink:
    """The two are not the same; it is not suggested again. Raises WrongState, OwnWork, Report.DoesNotExist."""
    report, other = lock_report(report_id), Report.objects.get(pk=into_id)
    _refuse_own(report, by)
    if report.pk == other.pk:
        raise WrongState("A report is the same as itself.")
    if DuplicateLink.objects.filter(report=report, original=other, state=State.MERGED).exists():
        raise WrongState("They are merged; take them apart first.")
    link = _decided(report, other, State.REJECTED, by, note)
    log_audit_event("duplicate_rejected", "report", report.pk, {"of": other.pk, "note": note})
    return link


def _refuse_own(report: Report, by: Any) -> None:
    if by is not None and report.reporter_id == by.pk:
        raise OwnWork("Nobody reviews a report of their own.")


def _decided(report: Report, original: Report, state: str, by: Any, note: str, **before: Any) -> DuplicateLink:
    """The link of the two, suggested before or new."""
    decision = {"state": state, "decided_by": by, "decided_at": timezone.now(), "note": note} | before
    place = (report.latitude, report.longitude, original.latitude, original.longitude)
    link, _ = DuplicateLink.objects.update_or_create(
        report=report,
        original=original,
        defaults=decision,
        create_defaults=decision
        | {
            "distance_m": distance_m(*place),
            "days": (report.reported_at - original.reported_at).total_seconds() / DAY_S,
        },
    )
    return link


def _below(report_id: int) -> list[int]:
    """What was merged into the report, and into that, and so on."""
    found: list[int] = []
    level = [report_id]
    while level:
        links = DuplicateLink.objects.filter(original__in=level, state=State.MERGED)
        level = list(links.values_list("report_id", flat=True))
        found += level
    return found
