"""Decide what one has claimed: each decision with its row, its effects on the report and its entry, or none of it."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from base import worklist
from base.worklist import OwnWork, Status, WrongState
from reports import tasks
from reports.classification import corrections
from reports.duplicates import merging
from reports.duplicates.models import DuplicateLink
from reports.filing.points import give_points
from reports.filing.services import UnknownCategory, WrongStatus, assign_report, change_status
from reports.locks import lock_report, lock_trees, lock_waiting
from reports.models import Category, Report, ReviewDecision, ReviewItem
from reports.review import work
from reports.review.reasons import find_reason
from reports.review.suggestions import Suggestion, standing, suggestion_of

Kind = ReviewDecision.Kind


@transaction.atomic
def accept_item(*, item_id: int, user: Any, note: str = "") -> ReviewDecision:
    """The suggested category stands, or the report's own if that was not in question; its department gets it.

    note: for staff. Raises WrongState, OwnWork, ReviewItem.DoesNotExist, as all decisions do.
    """
    item = _locked(item_id, user)
    suggestion = suggestion_of(item.report)
    code = standing(item, suggestion)
    if code is None:
        raise WrongState("No category was suggested; choose one.")
    decision = _decided(item, user, Kind.ACCEPTED, suggestion, category_id=code, note=note)
    _give(item, code, user)
    return decision


@transaction.atomic
def correct_item(*, item_id: int, user: Any, category: str, note: str = "") -> ReviewDecision:
    """It is about something else: another category, whose department gets it. The model learns from it.

    Raises UnknownCategory; WrongState if that is what stands anyway.
    """
    item = _locked(item_id, user)
    if not Category.objects.filter(pk=category, is_active=True).exists():
        raise UnknownCategory("No category that is offered has this code.")
    suggestion = suggestion_of(item.report)
    if standing(item, suggestion) == category:
        raise WrongState("This is what an acceptance says.")
    decision = _decided(item, user, Kind.CORRECTED, suggestion, category_id=category, note=note)
    _give(item, category, user)
    return decision


@transaction.atomic
def reject_item(*, item_id: int, user: Any, reason: str, public_text: str = "", note: str = "") -> ReviewDecision:
    """Nothing will be done. reason: of reports.review.reasons. public_text: what the resident reads, or the reason's.

    Raises UnknownReason; WrongState for a report that is closed.
    """
    item = _locked(item_id, user)
    why = find_reason(reason)
    told = public_text or why.public_text
    decision = _decided(
        item, user, Kind.REJECTED, suggestion_of(item.report), reason=reason, public_text=told, note=note
    )
    try:
        step = change_status(report=item.report, to=Report.Status.REJECTED, by=user, note=told)
    except WrongStatus as error:
        raise WrongState(str(error)) from None
    if why.in_good_faith:
        give_points(item.report.reporter_id, "in_good_faith", ("report_step", str(step.pk)))
    else:
        tasks.look_into_filer.enqueue(report_id=item.report_id)
    return decision


@transaction.atomic
def merge_item(*, item_id: int, user: Any, into: int, note: str = "") -> ReviewDecision:
    """It is the same problem as another report, which goes on for both.

    Raises what reports.duplicates.merging refuses.
    """
    item = _locked(item_id, user, into)
    decision = _decided(item, user, Kind.MERGED, suggestion_of(item.report), into_id=into, note=note)
    merging.merge(report_id=item.report_id, into_id=into, by=user, note=note)
    return decision


def _locked(item_id: int, user: Any, into: int | None = None) -> ReviewItem:
    """The item and its report, which nobody else changes meanwhile, and with `into` all that a merge changes."""
    items = work.visible_items(user)
    report_id = items.values_list("report_id", flat=True).get(pk=item_id)
    report = lock_report(report_id) if into is None else _locked_to_merge(report_id, into)
    item = items.select_for_update(of=("self",)).get(pk=item_id)
    if report.reporter_id == user.pk:
        raise OwnWork("Nobody reviews a report of their own.")
    worklist.refuse_unclaimed(item, user)
    item.report = report
    return item


def _locked_to_merge(report_id: int, into: int) -> Report:
    lock_waiting(report_id)
    return lock_trees(report_id, into)[report_id]


def _decided(item: ReviewItem, user: Any, kind: str, suggestion: Suggestion | None, **fields: Any) -> ReviewDecision:
    """The decision's row; the item is done before its report moves, or the move would end it as needless."""
    decision = ReviewDecision.objects.create(
        item=item,
        report=item.report,
        kind=kind,
        by=user,
        suggested_id=suggestion.category if suggestion else None,
        suggested_probability=suggestion.probability if suggestion else None,
        model_version=suggestion.model_version if suggestion else "",
        waited_s=(timezone.now() - item.opened_at).total_seconds(),
        **fields,
    )
    ReviewItem.objects.filter(pk=item.pk).update(status=Status.DONE, decided_at=Now())
    told = {name: getattr(decision, name) for name in ("category_id", "into_id", "reason") if getattr(decision, name)}
    work.note("report_review_decided", item, kind=str(kind), suggested=decision.suggested_id, **told)
    return decision


def _give(item: ReviewItem, category: str, user: Any) -> None:
    """The category's department has the report now; the model learns, and its likely originals are none."""
    stays = item.report.category_id == category
    report = assign_report(report_id=item.report_id, by=user, category=category)
    if stays:  # agreement teaches too; of a change the assignment keeps the row
        corrections.record(report=report, category=category, by=user)
    for link in DuplicateLink.objects.filter(report=report, state=DuplicateLink.State.SUGGESTED):
        merging.reject(report_id=report.pk, into_id=link.original_id, by=user)
    if report.status == Report.Status.RECEIVED:
        told = f"{report.category}: {report.department} has it."
        change_status(report=report, to=Report.Status.ACKNOWLEDGED, by=user, note=told)
