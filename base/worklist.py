"""Work that people take from a queue: free, claimed for a while, done. Races are decided by the rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NoReturn, TypeVar

from django.conf import settings
from django.db import models
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone


class WrongState(Exception):
    """The item is not in a state that allows this; the message says why."""


class OwnWork(Exception):
    """Nobody decides what is their own."""


class Status(models.TextChoices):
    OPEN = "open"
    CLAIMED = "claimed"
    DONE = "done"


class WorkItem(models.Model):
    """A piece of work for one person. A claim holds until `claim_until`; then another may take it."""

    Status = Status

    status = models.CharField(max_length=10, choices=Status, default=Status.OPEN)
    claimed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    claimed_at = models.DateTimeField(null=True)
    claim_until = models.DateTimeField(null=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True


def state_constraints(prefix: str, *, done_by_nobody: bool = False) -> list[models.BaseConstraint]:
    """What the states mean: who has no claim has nothing of it, and what is done was done at a time.

    done_by_nobody: whether an item may end without anybody who had claimed it.
    """
    nobody = Q(claimed_by=None, claimed_at=None, claim_until=None)
    somebody = Q(claimed_by__isnull=False, claimed_at__isnull=False)
    claimed = Q(status__in=["claimed", "done"], claimed_by__isnull=False, claimed_at__isnull=False)
    if done_by_nobody:
        claimed = Q(status="claimed") & somebody | Q(status="done") & (somebody | nobody)
    return [
        models.CheckConstraint(condition=Q(status__in=Status.values), name=f"{prefix}_status_known"),
        models.CheckConstraint(
            condition=Q(status="open", claimed_by=None, claimed_at=None, claim_until=None) | claimed,
            name=f"{prefix}_claimed_by_somebody",
        ),
        models.CheckConstraint(
            condition=Q(status="done", decided_at__isnull=False) | ~Q(status="done") & Q(decided_at=None),
            name=f"{prefix}_done_at_a_time",
        ),
    ]


Item = TypeVar("Item", bound=WorkItem)


def free() -> Q:
    """Items nobody has: never claimed, or claimed too long ago."""
    return Q(status=Status.OPEN) | Q(status=Status.CLAIMED, claim_until__lt=Now())


def claim(items: QuerySet[Item], user: Any, *, minutes: int) -> int:
    """Take those of the items that are free; a claim of one's own is prolonged. Returns how many."""
    return items.filter(free() | Q(status=Status.CLAIMED, claimed_by=user)).update(
        status=Status.CLAIMED,
        claimed_by=user,
        claimed_at=Now(),
        claim_until=Now() + timedelta(minutes=minutes),
    )


def release(items: QuerySet[Item], user: Any) -> int:
    """Give back what one has claimed. Returns how many."""
    return items.filter(status=Status.CLAIMED, claimed_by=user).update(
        status=Status.OPEN, claimed_by=None, claimed_at=None, claim_until=None
    )


def refuse_taken(item: WorkItem) -> NoReturn:
    """Say why an item could not be claimed. Always raises WrongState."""
    raise WrongState("This is decided." if item.status == Status.DONE else f"{item.claimed_by} has claimed this.")


def refuse_unclaimed(item: WorkItem, user: Any) -> None:
    """Raise WrongState unless the item, locked by the caller, is claimed by this user now."""
    if item.status == Status.DONE:
        raise WrongState("This is decided.")
    if item.claimed_by_id != user.pk or item.claim_until is None or item.claim_until < timezone.now():
        raise WrongState("Claim it first; a claim runs out.")


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a queue an item stands, or stood."""

    day: date
    risk: float
    pk: int


@dataclass(frozen=True, slots=True)
class Order:
    """A queue's order: the earliest day first, of a day the riskiest, then the first that came.

    day: the field that decides. Finding neighbours costs the same everywhere, given an index of `fields`.
    """

    day: str

    @property
    def fields(self) -> tuple[str, str, str]:
        return self.day, "-risk", "id"

    @property
    def reversed(self) -> tuple[str, str, str]:
        return f"-{self.day}", "risk", "-id"

    def place_of(self, item: Any) -> Place:
        return Place(getattr(item, self.day), item.risk, item.pk)

    def behind(self, items: QuerySet[Item], place: Place, limit: int = 1) -> list[Item]:
        """The first items of those that come later, in order."""
        same = {self.day: place.day}
        ranges = [Q(**same, risk=place.risk, pk__gt=place.pk), Q(**same, risk__lt=place.risk),
                  Q(**{f"{self.day}__gt": place.day})]  # fmt: skip
        return _first_of(items.order_by(*self.fields), ranges, limit)

    def before(self, items: QuerySet[Item], place: Place, limit: int = 1) -> list[Item]:
        """The last items of those that come earlier, the nearest first."""
        same = {self.day: place.day}
        ranges = [Q(**same, risk=place.risk, pk__lt=place.pk), Q(**same, risk__gt=place.risk),
                  Q(**{f"{self.day}__lt": place.day})]  # fmt: skip
        return _first_of(items.order_by(*self.reversed), ranges, limit)


def _first_of(items: QuerySet[Item], ranges: list[Q], limit: int) -> list[Item]:
    """One range of the index after the other; joined by OR they would all be read."""
    found: list[Item] = []
    for wanted in ranges:
        if len(found) < limit:
            found += items.filter(wanted)[: limit - len(found)]
    return found
