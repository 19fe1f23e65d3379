"""What others say to a report: that they have the same problem, and comments."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from audit.services import log_audit_event
from reports.duplicates.people import counting
from reports.filing.limits import take
from reports.filing.points import give_points
from reports.locks import lock_with_root
from reports.models import Comment, Confirmation, Report

OPEN = {Report.Status.RECEIVED, Report.Status.ACKNOWLEDGED, Report.Status.IN_PROGRESS}


class NotOpen(Exception):
    """The report is past this; the message says where it went on."""


class OwnReport(Exception):
    """One's own report needs no confirmation."""


@transaction.atomic
def confirm(*, report_id: int, by: Any) -> int:
    """Somebody has the same problem; a second time changes nothing. Returns how many have.

    Raises OwnReport, NotOpen, TooOften, Blocked.
    """
    report = lock_with_root(report_id)
    if report.reporter_id == by.pk:
        raise OwnReport("Your own report counts already.")
    if Confirmation.objects.filter(report=report, user=by).exists():
        return report.confirmations_count
    _refuse_closed(report, OPEN)
    take(by, "confirm")
    with counting(report.pk):
        Confirmation.objects.create(report=report, user=by)
    give_points(report.reporter_id, "confirmed", ("confirmation", f"{report.pk}:{by.pk}"))
    return _count(report.pk)


@transaction.atomic
def withdraw(*, report_id: int, by: Any) -> int:
    """Take a confirmation back; without one nothing changes. Returns how many are left."""
    report = lock_with_root(report_id)
    root_id = report.merged_into_id or report.pk
    with counting(root_id):
        taken = Confirmation.objects.filter(report=report, user=by).delete()[0]
    if not taken:
        return _count(root_id)
    give_points(report.reporter_id, "unconfirmed", ("confirmation", f"{report.pk}:{by.pk}"))
    return _count(root_id)


def _count(report_id: int) -> int:
    return Report.objects.values_list("confirmations_count", flat=True).get(pk=report_id)


@transaction.atomic
def add_comment(*, report_id: int, by: Any, text: str, by_staff: bool) -> Comment:
    """Raises NotOpen for a merged report, TooOften, Blocked."""
    report = _locked(report_id)
    _refuse_closed(report, OPEN | {Report.Status.RESOLVED, Report.Status.REJECTED})
    take(by, "comment")
    comment = Comment.objects.create(report=report, author=by, text=text, by_staff=by_staff)
    Report.objects.filter(pk=report.pk).update(comments_count=F("comments_count") + 1)
    return comment


@transaction.atomic
def hide_comment(*, comment_id: int, hidden: bool) -> Comment:
    """Hide a comment from residents, or show it again; it is kept either way."""
    report = _locked(Comment.objects.values_list("report_id", flat=True).get(pk=comment_id))
    comment = Comment.objects.get(pk=comment_id)
    if hidden == (comment.hidden_at is not None):
        return comment
    Comment.objects.filter(pk=comment.pk).update(hidden_at=Now() if hidden else None)
    Report.objects.filter(pk=report.pk).update(comments_count=F("comments_count") + (-1 if hidden else 1))
    entry = log_audit_event(
        "comment_hidden" if hidden else "comment_shown", "report", report.pk, {"comment": comment.pk}
    )
    give_points(comment.author_id, "comment_hidden" if hidden else "comment_shown", ("entry", str(entry.pk)))
    comment.refresh_from_db()
    return comment


def _locked(report_id: int) -> Report:
    """So that counts are those of the rows."""
    return Report.objects.select_for_update(no_key=True, of=("self",)).get(pk=report_id)


def _refuse_closed(report: Report, allowed: set[Any]) -> None:
    if report.status in allowed:
        return
    if report.merged_into_id:
        raise NotOpen(f"It goes on as report {report.merged_into_id}.")
    raise NotOpen(f"The report is {report.get_status_display().lower()}.")
