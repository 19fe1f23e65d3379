"""What reviewers did, how often the model was right, and how long reports waited."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median
from typing import Any

from django.db.models import Count, F, Q, QuerySet
from django.db.models.functions import TruncDate
from django.utils import timezone

from reports.membership import theirs
from reports.models import ReviewDecision

Kind = ReviewDecision.Kind


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of reports that the model said were of a category, how many a reviewer found to be."""

    code: str
    name: str
    right: int
    total: int

    @property
    def share(self) -> float:
        return self.right / self.total


def decisions(user: Any, *, days: int) -> QuerySet[ReviewDecision]:
    """What people decided in the last days, today included, of the departments this person looks after."""
    first = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days - 1)
    made = ReviewDecision.objects.filter(theirs(user, "item__department"), at__gte=first, by__isnull=False)
    return made.order_by()


def by_day(user: Any, *, days: int) -> dict[tuple[date, str], int]:
    """How many of each kind on each day."""
    made = decisions(user, days=days).annotate(day=TruncDate("at"))
    return {(day, kind): count for day, kind, count in made.values_list("day", "kind").annotate(count=Count("pk"))}


def by_reviewer(user: Any, *, days: int) -> list[dict[str, Any]]:
    """name, today, accepted, corrected, rejected, merged, total; the busiest first."""
    today = Count("pk", filter=Q(at__date=timezone.now().date()))
    kinds = {str(kind): Count("pk", filter=Q(kind=kind)) for kind in Kind if kind != Kind.NEEDLESS}
    rows = decisions(user, days=days).values(name=F("by__username"))
    counted = rows.annotate(total=Count("pk"), today=today, **kinds).order_by("-total", "name")
    return [dict(row) for row in counted[:20]]


def agreement(user: Any, *, days: int) -> list[Agreement]:
    """The model's live accuracy for each category it named, the most frequent first."""
    judged = decisions(user, days=days).filter(category__isnull=False, suggested__isnull=False)
    rows = judged.values("suggested", "suggested__name").annotate(
        total=Count("pk"), right=Count("pk", filter=Q(category=F("suggested")))
    )
    return [
        Agreement(row["suggested"], row["suggested__name"], row["right"], row["total"])
        for row in rows.order_by("-total", "suggested")
    ]


def median_wait(user: Any, *, days: int) -> timedelta | None:
    """From a report's arrival in the queue to its decision."""
    waits = list(decisions(user, days=days).values_list("waited_s", flat=True)[:100_000])
    return timedelta(seconds=median(waits)) if waits else None
