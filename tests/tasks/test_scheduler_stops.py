"""A scheduler is killed at each point where it could leave something half done, and the next one finishes it."""

from __future__ import annotations

import signal
from datetime import timedelta

import pytest
from django.utils import timezone

from tasks import claims
from tasks.models import PeriodicRun, Task
from tasks.schedules import declare
from tests.garden import tasks as garden
from tests.processes import eventually
from tests.tasks.aftermath import QUICK, all_ended, nothing_is_lost_or_doubled, some_work

pytestmark = pytest.mark.django_db(transaction=True)
SCHEDULER = ["tick", "waiting counted", "before the bell", "after the bell", "before the sweep", "after the sweep"]


@pytest.mark.parametrize("point", SCHEDULER)
def test_a_scheduler_killed_at(point, processes, redis, stop):
    declare()
    left = garden.note.enqueue(name="left by the dead")
    assert claims.claim(left.id, worker="dead")
    Task.objects.filter(pk=left.id).update(lease_until=timezone.now() - timedelta(seconds=1))
    ids = some_work()
    redis.flushdb()
    first = processes.start("scheduler", **QUICK, **stop(point))
    assert first.wait(30) == -signal.SIGKILL, processes.log.read_text()[-2000:]
    processes.start("workers", "--num", "1", **QUICK)
    processes.start("scheduler", **QUICK)
    eventually(
        lambda: PeriodicRun.objects.filter(name="garden.hourly").exists() and all_ended(help_out=False),
        within_s=45,
        log=processes.log,
    )
    nothing_is_lost_or_doubled(ids)
    assert [a.outcome for a in Task.objects.get(pk=left.id).attempts.all()] == ["crashed", "completed"]
    assert Task.objects.filter(name="garden.hourly").count() == 1
