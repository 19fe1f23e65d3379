"""Whose reports a person should see: who files as much as is allowed, is little trusted, or often refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from django.db.models import F, Q
from django.utils import timezone

from accounts.rules import neighbourhood
from reports import reputation
from reports.filing.limits import address_of
from reports.filing.models import Tally
from reports.models import Report, ReviewDecision, Waiting
from reports.review.models import Why
from reports.review.reasons import REASONS
from reports.review.work import Wanted, open_items

FAULTS = [reason.code for reason in REASONS.values() if not reason.in_good_faith]
SERIES, WITHIN = 3, timedelta(days=30)  # so many reports refused for a fault of who filed them
LOOKED_INTO = 50  # reports of one filer, the newest
OPEN = [Report.Status.RECEIVED, Report.Status.ACKNOWLEDGED, Report.Status.IN_PROGRESS]


def suspects(waiting: Sequence[Waiting]) -> Iterator[Wanted]:
    """What of a batch a person should see for who filed it. `waiting` with reports and their reporters."""
    yield from _of_full_days([one.report for one in waiting if one.filed])
    now = timezone.now()
    for report in (one.report for one in waiting):
        if report.reporter is None:
            continue
        points, age = report.reporter.reputation, now - report.reporter.date_joined
        band = reputation.band_of(reputation=points, account_age=age)
        if band is None:
            yield Wanted(report_id=report.pk, why=Why.ABUSE, risk=0.8, details={"reputation": points})
        elif band.reviewed:
            yield Wanted(report_id=report.pk, why=Why.FLAGGED, risk=0.5, details={"reputation": points})


def _of_full_days(new: Sequence[Report]) -> Iterator[Wanted]:
    """The last report that the limit of a day let through, for all of that filer's day."""
    last: dict[tuple[str, datetime], Report] = {}
    for report in sorted(new, key=lambda one: one.pk):
        if whom := _filer(report):
            day = report.reported_at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
            last[whom, day] = report
    names, days = {whom for whom, _ in last}, {day for _, day in last}
    full = Tally.objects.filter(whom__in=names, action="file", span="day", starts_at__in=days, used__gte=F("most"))
    for whom, day, most in full.values_list("whom", "starts_at", "most"):
        if (whom, day) in last:
            yield Wanted(report_id=last[whom, day].pk, why=Why.ABUSE, risk=0.6, details={"filed_in_a_day": most})


def look_into(report: Report) -> int:
    """If this refusal was one of a series, put the filer's other open reports before a person, each once.

    Returns how many.
    """
    same = _same_filer(report)
    since = timezone.now() - WITHIN
    if same is None or (refused := _refused(same, since)) < SERIES:
        return 0
    others = Report.objects.filter(same, status__in=OPEN, reported_at__gte=since).order_by("-reported_at", "-id")
    unseen = others.exclude(reviews__why__contains=[Why.ABUSE]).values_list("pk", flat=True)[:LOOKED_INTO]
    details = {"refused_in_30_days": refused}
    return len(open_items(Wanted(report_id=pk, why=Why.ABUSE, risk=0.7, details=details) for pk in unseen))


def _refused(same: Q, since: datetime) -> int:
    """How many reports of a filer reviewers refused for a fault, and did not take back."""
    mine = Report.objects.filter(same, status=Report.Status.REJECTED).order_by()
    decisions = ReviewDecision.objects.filter(report__in=mine, reason__in=FAULTS, at__gte=since)
    return decisions.values("report").distinct().count()


def _filer(report: Report) -> str | None:
    """The name under which filing is counted; None if nobody is known."""
    if report.reporter_id:
        return f"user:{report.reporter_id}"
    return f"ip:{address_of(report.ip)}" if report.ip else None


def _same_filer(report: Report) -> Q | None:
    if report.reporter_id:
        return Q(reporter=report.reporter_id)
    if not report.ip:
        return None
    first, last = neighbourhood(report.ip)
    return Q(reporter=None, ip__gte=first, ip__lte=last)
