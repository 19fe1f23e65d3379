"""What `make up` shows on an empty database: reports of a seeded generator, called synthetic everywhere."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from base.roles import Role
from features.services import NewEvent, ingest_in_batches, request_refresh
from reports import happenings, synthetic, tasks
from reports.models import Category, Comment, Confirmation, Report, StatusChange, Waiting
from reports.places import cell_of
from reports.synthetic import RESIDENTS, SOURCE, Told

STILL_NEW = timedelta(days=3)  # these are classified and compared like any other, and have nobody's answer yet


def load() -> str | None:
    """Store the sample unless there are reports; returns a sentence about it, or None."""
    if Report.objects.exists():
        return None
    told = synthetic.generate(now=timezone.now())
    with transaction.atomic():
        events = store(told)
        tasks.request_processing()
    for _ in ingest_in_batches(events):
        pass
    for entity in ("place", "reporter"):
        request_refresh(entity)
    return f"{len(told)} synthetic reports of {RESIDENTS} residents"


def store(told: list[Told]) -> list[NewEvent]:
    """Write the rows; returns the events of the reports that are past their first processing."""
    since = timezone.now() - STILL_NEW
    residents = _residents()
    departments = dict(Category.objects.values_list("code", "department_id"))
    new = {one.ref for one in told if one.reported_at > since}
    for one in told:
        if one.ref in new:
            one.steps = []
    reports = {one.ref: _report(one, residents, departments, is_new=one.ref in new) for one in told}
    merged = [one for one in told if one.same_as and one.steps]
    firsts = [report for ref, report in reports.items() if ref not in {one.ref for one in merged}]
    Report.objects.bulk_create(firsts)
    for one in merged:
        reports[one.ref].merged_into = reports[one.same_as]
    Report.objects.bulk_create([reports[one.ref] for one in merged])
    steps = StatusChange.objects.bulk_create([step for one in told for step in _steps(one, reports[one.ref])])
    Confirmation.objects.bulk_create(
        [Confirmation(report=reports[one.ref], user=residents[who], at=one.reported_at)
         for one in told for who in one.confirmed_by]
    )  # fmt: skip
    Comment.objects.bulk_create(
        [Comment(report=reports[one.ref], author=residents[who], text=text, created_at=at)
         for one in told for who, text, at in one.comments]
    )  # fmt: skip
    filed = {"actor": "command:sample", "user_agent": "", "correlation_id": ""}
    Waiting.objects.bulk_create([Waiting(report=reports[ref], filed=filed) for ref in sorted(new)])
    events = [event for ref, report in reports.items() if ref not in new for event in happenings.filed(report)]
    return events + [event for step in steps for event in happenings.moved(step.report, step)]


def _residents() -> list[User]:
    locked = make_password(None)  # one for all: hashing takes long on purpose
    joined = timezone.now() - synthetic.HISTORY
    names = [f"{SOURCE}-resident-{number:02d}" for number in range(RESIDENTS)]
    User.objects.bulk_create(
        [User(username=name, password=locked, role=Role.CLIENT, date_joined=joined) for name in names],
        ignore_conflicts=True,
    )
    return list(User.objects.filter(username__in=names).order_by("username"))


def _report(one: Told, residents: list[User], departments: dict[str, str], *, is_new: bool) -> Report:
    last = one.steps[-1] if one.steps else None
    closed = last is not None and last.status in happenings.CLOSINGS
    return Report(
        reporter=residents[one.resident],
        title=one.title,
        description=one.description,
        latitude=one.latitude,
        longitude=one.longitude,
        cell=cell_of(one.latitude, one.longitude),
        address=one.address,
        category_id=None if is_new else one.category,
        department_id=None if is_new else departments[one.category],
        severity=one.severity,
        status=last.status if last else Report.Status.RECEIVED,
        source=Report.Source.SYNTHETIC,
        external_ref=one.ref,
        confirmations_count=len(one.confirmed_by),
        comments_count=len(one.comments),
        reported_at=one.reported_at,
        updated_at=last.at if last else one.reported_at,
        closed_at=last.at if last and closed else None,
    )


def _steps(one: Told, report: Report) -> list[StatusChange]:
    steps = [StatusChange(report=report, to_status=Report.Status.RECEIVED, by=report.reporter, at=one.reported_at)]
    for step in one.steps:
        was = steps[-1].to_status
        steps.append(StatusChange(report=report, from_status=was, to_status=step.status, note=step.note, at=step.at))
    return steps
