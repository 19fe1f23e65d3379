"""A process is killed or stopped at each point where it could leave something half done: all is finished, once."""

from __future__ import annotations

import os
import signal

import pytest

from tasks.models import Attempt, Status, Task
from tests.garden import tasks as garden
from tests.processes import eventually
from tests.tasks.aftermath import QUICK, all_ended, nothing_is_lost_or_doubled, some_work

pytestmark = pytest.mark.django_db(transaction=True)
HORSE = ["before the claim", "after the claim", "before the function", "after the function", "before the end",
         "between end and commit", "after the commit", "heartbeat", "horse's start"]  # fmt: skip
WORKER = ["bell in hand", "bell forgotten", "watching", "burying", "buried"]


@pytest.mark.parametrize("point", HORSE + WORKER)
def test_a_work_horse_or_worker_killed_at(point, processes, stop):
    if point in ("burying", "buried"):
        garden.die_once.enqueue(name="the dead")
    processes.start("workers", "--num", "1", **QUICK, **stop(point))
    ids = some_work()
    eventually(all_ended, log=processes.log)
    assert stop.mark.exists(), "the point was reached"
    nothing_is_lost_or_doubled(ids)


@pytest.mark.parametrize("point", ["before the function", "between end and commit"])
def test_a_work_horse_that_stands_still_is_fenced_and_replaced(point, processes, stop):
    processes.start("workers", "--num", "1", **QUICK, **stop(point, "STOP"))
    ids = some_work()
    eventually(all_ended, within_s=45, log=processes.log)
    nothing_is_lost_or_doubled(ids)
    assert Attempt.objects.filter(outcome=Attempt.Outcome.CRASHED).count() == 1


def test_a_pool_killed_leaves_its_workers_to_finish_and_the_next_goes_on(processes):
    pool = processes.start("workers", "--num", "2", **QUICK)
    ids = some_work()
    eventually(lambda: Task.objects.filter(status=Status.PROCESSING).exists(), log=processes.log)
    os.kill(pool.pid, signal.SIGKILL)
    pool.wait()
    processes.start("workers", "--num", "2", **QUICK)
    eventually(all_ended, log=processes.log)
    nothing_is_lost_or_doubled(ids)


def test_a_work_horse_without_its_worker_finishes_its_task_and_takes_no_other(processes):
    worker = processes.worker(TASK_LEASE_S="2")
    first, second = garden.slow.enqueue(seconds=3, name="last"), garden.note.using(priority=-1).enqueue(name="not mine")
    eventually(lambda: Task.objects.filter(pk=first.id, status=Status.PROCESSING).exists(), log=processes.log)
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    eventually(lambda: Task.objects.filter(pk=first.id, status=Status.COMPLETED).exists(), log=processes.log)
    assert (Task.objects.get(pk=first.id).attempt, Task.objects.get(pk=second.id).status) == (1, Status.PENDING)


def test_a_task_that_does_not_stop_is_killed_even_without_a_worker(processes):
    worker = processes.worker(TASK_LEASE_S="2")
    deaf = garden.suffer.using(timeout_s=2).enqueue(how="swallow")
    eventually(lambda: Task.objects.filter(pk=deaf.id, status=Status.PROCESSING).exists(), log=processes.log)
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    eventually(all_ended, log=processes.log)
    assert Task.objects.get(pk=deaf.id).status == Status.FAILED
