"""Somebody is told when reviews fall behind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from accounts.services import send_mail
from audit.models import Entry
from audit.services import log_audit_event
from base.worklist import Status
from reports.models import Department, ReviewItem

FELL_BEHIND = "report_reviews_fell_behind"
NOBODYS = "none"  # what has no department yet


@transaction.atomic
def warn_of_late_reviews(*, now: datetime) -> list[str]:
    """Mail departments in which more reviews are overdue than an hour ago, each once a day. Returns their codes."""
    late, before = overdue(now), overdue(now - timedelta(hours=1))
    growing = {code for code, count in late.items() if count > before[code]}
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    told = Entry.objects.filter(action=FELL_BEHIND, entity_type="department", entity_id__in=growing, at__gte=midnight)
    growing -= set(told.values_list("entity_id", flat=True))
    emails = dict(Department.objects.exclude(email="").values_list("code", "email"))
    for code in sorted(growing):
        counts = {"overdue": late[code], "an_hour_ago": before[code]}
        log_audit_event(FELL_BEHIND, "department", code, counts)
        if code in emails:
            send_mail(
                to=emails[code],
                subject=f"{late[code]:,} report reviews are overdue",
                body=f"{late[code]:,} reports of your department wait too long for a reviewer; an hour ago there were "
                f"{before[code]:,}.",
                about=("department", code),
            )
    return sorted(growing)


def overdue(at: datetime) -> Counter[str]:
    """How many were late at a time, by department."""
    waited = Q(decided_at__gt=at) | ~Q(status=Status.DONE)
    late = ReviewItem.objects.filter(waited, due_at__lt=at).order_by()
    counts = late.values_list("department_id").annotate(count=Count("pk"))
    return Counter({code or NOBODYS: count for code, count in counts})


class ReviewCollector(Collector):
    def collect(self) -> Iterator[Metric]:
        waiting = GaugeMetricFamily("millrace_report_reviews", "Reports that wait for a reviewer.", labels=["state"])
        states = ReviewItem.objects.exclude(status=Status.DONE).order_by().values_list("status")
        for status, count in states.annotate(count=Count("pk")):
            waiting.add_metric([status], count)
        yield waiting
        late = GaugeMetricFamily(
            "millrace_report_reviews_overdue", "Reviews not decided in time.", labels=["department"]
        )
        for code, count in overdue(timezone.now()).items():
            late.add_metric([code], count)
        yield late
