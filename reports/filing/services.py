"""File a report, correct it, move it on: each with its history, trail and consequences, or not at all."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

from audit.services import log_audit_event
from base import context
from features.services import ingest
from reports import happenings, tasks
from reports.classification import corrections
from reports.filing.limits import asked_of
from reports.filing.points import give_points
from reports.filing.storing import store_filed
from reports.locks import lock_report
from reports.models import MOVES, Category, Report, StatusChange, Waiting
from reports.places import cell_of

Status = Report.Status
# What a step means for whoever filed the report; a step that is not here means nothing.
EARNED = {Status.RESOLVED: "resolved", Status.REJECTED: "rejected", Status.DUPLICATE: "merged"}
UNDONE = {Status.RESOLVED: "reopened", Status.REJECTED: "reinstated", Status.DUPLICATE: "unmerged"}


class WrongStatus(Exception):
    """A report cannot go from where it is to where it should; the message says both."""


class UnknownCategory(ValueError):
    """No category that is offered has this code."""


class NotEditable(Exception):
    """The report is past what its reporter may change."""


@transaction.atomic
def file_report(
    *,
    by: Any,
    title: str,
    description: str,
    latitude: float,
    longitude: float,
    severity: str = Report.Severity.MEDIUM,
    category: str | None = None,
    address: str = "",
    source: str = Report.Source.API,
    external_ref: str | None = None,
) -> Report:
    """Store a report and ask for what follows: classification, duplicates, reputation, trail, events.

    by: the account, or None. category: as the resident sees it; the model fills in what is left out. Degrees of
    WGS 84. Raises UnknownCategory, TooOften, Blocked.
    """
    kind = _category(category) if category else None
    now = context.current()
    report = Report(
        reporter=by,
        title=title,
        description=description,
        latitude=latitude,
        longitude=longitude,
        cell=cell_of(latitude, longitude),
        address=address,
        category=kind,
        department_id=kind.department_id if kind else None,
        severity=severity,
        source=source,
        external_ref=external_ref,
        ip=now.ip,
    )
    filed = {"actor": now.actor, "user_agent": now.user_agent, "correlation_id": now.correlation_id}
    store_filed(report, asked_of(by, "file"), filed=filed)
    tasks.request_processing()
    return report


def _category(code: str) -> Category:
    found = Category.objects.filter(code=code, is_active=True).first()
    if found is None:
        raise UnknownCategory("No category that is offered has this code.")
    return found


@transaction.atomic
def correct_report(*, report_id: int, changes: dict[str, Any]) -> Report:
    """What a resident told, told better, while nobody has begun to deal with it; it is then looked at anew.

    changes: some of title, description, severity, latitude, longitude, address. Raises NotEditable.
    """
    report = lock_report(report_id)
    if report.status != Status.RECEIVED:
        raise NotEditable(f"The report is {_word(report.status)}; what it says stays as it is.")
    changed = _change(report, changes)
    if changed & {"title", "description", "latitude", "longitude"}:
        Waiting.objects.bulk_create([Waiting(report=report, filed={})], ignore_conflicts=True)
        tasks.request_processing()
    if changed:
        log_audit_event("report_corrected", "report", report.pk, {"fields": sorted(changed)})
    return report


@transaction.atomic
def assign_report(*, report_id: int, by: Any, severity: str | None = None, category: str | None = None) -> Report:
    """How bad it is and what it is about, as those see it who deal with it; the category's department has it then.

    A category that a person gives is one to learn from. Raises UnknownCategory.
    """
    report = lock_report(report_id)
    changes: dict[str, Any] = {"severity": severity} if severity else {}
    if category:
        kind = _category(category)
        changes |= {"category_id": kind.code, "department_id": kind.department_id}
    was = {name: getattr(report, name) for name in changes}
    changed = _change(report, changes)
    if "category_id" in changed:
        corrections.record(report=report, category=report.category_id or "", by=by)
    if changed:
        became = {name: changes[name] for name in changed}
        log_audit_event("report_assigned", "report", report.pk, {"from": was, "to": became})
    return report


def _change(report: Report, changes: dict[str, Any]) -> set[str]:
    """Write what is different; returns its names."""
    changed = {name for name, value in changes.items() if getattr(report, name) != value}
    if changed:
        for name in changed:
            setattr(report, name, changes[name])
        report.cell = cell_of(report.latitude, report.longitude)
        report.updated_at = timezone.now()
        report.save(update_fields=[*changed, "cell", "updated_at"])
    return changed


@transaction.atomic
def change_status(
    *, report: Report, to: str, by: Any, note: str = "", public: bool = True, merged_into: Report | None = None
) -> StatusChange:
    """Move a report on, with its step, trail entry, events and reputation. The row given is brought up to date.

    by: an account, or None for the system. public: whether residents read the note. merged_into: for `duplicate`
    alone, which needs it. Raises WrongStatus.
    """
    was = _locked(report.pk)
    if to not in MOVES[was.status]:
        raise WrongStatus(f"A report that is {_word(was.status)} cannot become {_word(to)}.")
    if (to == Status.DUPLICATE) != (merged_into is not None):
        raise ValueError("merged_into goes with duplicate, and only with it")
    from_status, closed = was.status, to in EARNED
    was.status, was.merged_into = to, merged_into
    was.updated_at = timezone.now()
    was.closed_at = was.updated_at if closed else None
    was.save(update_fields=["status", "merged_into", "updated_at", "closed_at"])
    step = StatusChange.objects.create(
        report=was, from_status=from_status, to_status=to, by=by, note=note, is_public=public, at=was.updated_at
    )
    report.__dict__.update(was.__dict__)
    ingest(happenings.moved(was, step))
    _reward(was, step)
    log_audit_event(
        "report_status_changed",
        "report",
        was.pk,
        {"from": from_status, "to": to, "note": note, "merged_into": merged_into and merged_into.pk},
    )
    return step


def _locked(report_id: int) -> Report:
    return Report.objects.select_for_update(no_key=True, of=("self",)).get(pk=report_id)


def _word(status: str) -> str:
    return Status(status).label.lower()


def _reward(report: Report, step: StatusChange) -> None:
    """An end that is undone takes back what it gave, before another gives its own."""
    for rule in (UNDONE.get(Status(step.from_status)), EARNED.get(Status(step.to_status))):
        if rule:
            give_points(report.reporter_id, rule, ("report_step", str(step.pk)))
