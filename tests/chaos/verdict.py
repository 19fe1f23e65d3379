"""What must be true when the storm is over. Every sentence that comes back is a broken promise."""

from __future__ import annotations

import statistics
from collections import Counter

from django.db import connection

from tasks import store
from tasks.models import TERMINAL, Attempt, Status, Task

DONE = {"plain", "temporary", "slow", "crashing", "keyed", "probe"}
GIVEN_UP = {"permanent", "poison", "late"}


def broken_promises(asked: dict[str, tuple[str, bool]]) -> list[str]:
    """asked: task id to its kind and whether its cancellation was asked for."""
    rows = {str(row.pk): row for row in Task.objects.filter(name__in=STORM).iterator()}
    said = [f"{len(set(asked) - set(rows))} committed tasks are gone"] if set(asked) - set(rows) else []
    said += [f"{i} was never asked for" for i in set(rows) - set(asked)]
    left = Task.objects.exclude(status__in=TERMINAL)
    said += [f"{row.pk} ({row.name}) is still {row.status}, attempt {row.attempt}" for row in left[:20]]
    said += _effects(rows) + _attempts(rows)
    for i, row in rows.items():
        kind, cancelled = asked.get(i, ("", False))
        spent = row.attempt - row.handed_back >= row.max_attempts or row.crashes >= store.MAX_CRASHES
        if row.status == Status.CANCELLED and not cancelled:
            said.append(f"{i} ({kind}) is cancelled and nobody asked for it")
        if row.status == Status.FAILED and kind in DONE and not spent:
            said.append(f"{i} ({kind}) failed with tries left: {row.error_type}: {row.error_message}")
        if row.status == Status.COMPLETED and kind in GIVEN_UP:
            said.append(f"{i} ({kind}) is completed, which it cannot be")
    return said


STORM = ["garden.weather", "garden.lightning", "garden.drought"]


def _effects(rows: dict[str, Task]) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT task_id::text, count(*) FROM chaos_effect GROUP BY 1")
        effects = Counter(dict(cursor.fetchall()))
    return [f"{i} is {row.status} with {effects[i]} effects" for i, row in rows.items()
            if effects[i] != (row.status == Status.COMPLETED)]  # fmt: skip


def _attempts(rows: dict[str, Task]) -> list[str]:
    said, noted = [], Counter(str(i) for i in Attempt.objects.values_list("task_id", flat=True))
    for i, row in rows.items():
        if row.attempt - row.handed_back > row.max_attempts:
            said.append(f"{i} had {row.attempt} attempts of {row.max_attempts}, {row.handed_back} handed back")
        if noted[i] != row.attempt:
            said.append(f"{i} had {row.attempt} attempts and notes of {noted[i]}")
    return said


def times(seconds: list[float]) -> str:
    if len(seconds) < 2:
        return "no faults" if not seconds else f"{seconds[0]:.1f} s"
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return f"p50 {cuts[49]:.1f} s, p99 {cuts[98]:.1f} s, longest {max(seconds):.1f} s"
