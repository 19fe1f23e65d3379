"""Work to be interrupted, and what must be true of it afterwards, whatever was killed in between."""

from __future__ import annotations

from django.contrib.auth.models import Group
from django.db.models import F

from tasks.models import TERMINAL, Status, Task
from tasks.relay import relay
from tasks.sweep import sweep
from tests.garden import tasks as garden

QUICK = {"TASK_LEASE_S": "2"}


def some_work() -> list[str]:
    results = [garden.note.enqueue(name=f"work {number}") for number in range(4)]
    results.append(garden.fail_then_note.enqueue(name="work again", failures=1))
    results.append(garden.slow.enqueue(seconds=2, name="work slow"))
    return [result.id for result in results]


def all_ended(help_out: bool = True) -> bool:
    """`help_out`: be one more relay and sweeper, which is harmless and saves waiting for a scheduler's start."""
    if help_out:
        relay()
        sweep()
    return not Task.objects.exclude(status__in=TERMINAL).exists()


def nothing_is_lost_or_doubled(ids: list[str]) -> None:
    rows = Task.objects.filter(pk__in=ids)
    assert {row.status for row in rows} == {Status.COMPLETED} and len(rows) == len(ids)
    works = list(Group.objects.filter(name__startswith="work").values_list("name", flat=True))
    assert sorted(works) == [*(f"work {number}" for number in range(4)), "work again", "work slow"]
    assert not rows.filter(attempt__gt=F("max_attempts") + F("handed_back")).exists()
    for row in rows:
        assert [a.number for a in row.attempts.all()] == list(range(1, row.attempt + 1))
    assert not Task.objects.filter(status=Status.PROCESSING).exists()
