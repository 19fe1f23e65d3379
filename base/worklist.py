"""Work that people take from a queue: free, claimed for a while, done. Races are decided by the rows."""

from __future__ import annotations

from datetime import timedelta
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
