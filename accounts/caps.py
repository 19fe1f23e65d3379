"""Caps on what may be asked for, counted in rows: losing Redis opens nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.db import connection
from django.db.models import F, QuerySet
from django.db.models.functions import Now
from rest_framework.exceptions import Throttled

from accounts import rules


class TooMany(Throttled):
    """A limit of accounts.rules is reached; the answer carries Retry-After."""

    default_detail = "Too many requests of this kind."

    def __init__(self, wait: timedelta) -> None:
        super().__init__(wait=max(1, -(-wait // timedelta(seconds=1))))


def refuse_over(sent: QuerySet, limits: Sequence[rules.Limit]) -> None:
    """Raise TooMany when one more row, by its created_at, would be over a limit."""
    newest = sent.order_by("-created_at")[: max(limit.count for limit in limits)]
    ages = list(newest.values_list(Now() - F("created_at"), flat=True))
    if wait := rules.wait(ages, limits):
        raise TooMany(wait)


def one_at_a_time(what: str) -> None:
    """Hold others who ask for the same until the transaction ends, so that counts are exact."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [what])
