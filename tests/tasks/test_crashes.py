"""Killed workers, an emptied Redis, a Redis that is away, duplicates: nothing is lost and nothing doubled."""

import os
import signal
import time

import pytest
from django.contrib.auth.models import Group
from django.db import connection

from tasks import bell, claims, store
from tasks.execution import run_task
from tasks.models import Attempt, Status, Task
from tasks.relay import relay
from tests.garden import tasks as garden
from tests.processes import eventually

pytestmark = pytest.mark.django_db(transaction=True)
QUICK = {"TASK_LEASE_S": "2"}


def status(task_id: str, *wanted: str):
    return lambda: Task.objects.filter(pk=task_id, status__in=wanted).first()


def test_a_killed_work_horse_is_noticed_and_its_task_runs_again(processes):
    processes.worker()
    processes.scheduler()
    result = garden.die_once.enqueue(name="survivor")
    task = eventually(status(result.id, Status.COMPLETED), log=processes.log)
    assert task.result == {"attempt": 2} and task.crashes == 1
    assert list(task.attempts.values_list("outcome", flat=True)) == ["crashed", "completed"]
    assert Group.objects.filter(name="survivor").count() == 1


def test_a_task_that_always_kills_its_process_is_given_up(processes):
    processes.worker()
    processes.scheduler()
    result = garden.always_die.enqueue()
    task = eventually(status(result.id, Status.FAILED), log=processes.log)
    assert task.crashes == store.MAX_CRASHES < task.max_attempts
    assert task.error_type == "WorkerLost"


def test_a_worker_killed_with_its_work_horse_loses_nothing(processes):
    first = processes.worker(**QUICK)
    processes.scheduler(**QUICK)
    result = garden.slow.enqueue(seconds=6, name="slow")
    eventually(status(result.id, Status.PROCESSING), log=processes.log)
    processes.kill(first)
    _kill_orphans()
    processes.worker(**QUICK)
    task = eventually(status(result.id, Status.COMPLETED), log=processes.log)
    assert task.attempt == 2
    assert Group.objects.filter(name="slow").count() == 1


def _kill_orphans() -> None:
    """RQ gives a work-horse a process group of its own, which outlives a killed worker: take it down too."""
    import psutil

    for process in psutil.process_iter(["cmdline", "environ"]):
        line = " ".join(process.info["cmdline"] or [])
        if "rqworker" in line or "rq:worker" in line or "Forked" in line:
            environment = process.info["environ"] or {}
            if environment.get("DATABASE_URL", "").endswith(connection.settings_dict["NAME"]):
                process.kill()


def test_an_orphaned_work_horse_cannot_finish_for_its_successor(processes):
    """Only the worker is killed; its work-horse goes on, loses the lease and is fenced off."""
    first = processes.worker(**QUICK)
    processes.scheduler(**QUICK)
    result = garden.slow.enqueue(seconds=8, name="fenced")
    eventually(status(result.id, Status.PROCESSING), log=processes.log)
    Task.objects.filter(pk=result.id).update(lease_token=99)  # as if a successor had claimed it
    time.sleep(1.5)
    assert Task.objects.get(pk=result.id).lease_token == 99
    os.killpg(first.pid, signal.SIGTERM)
    eventually(lambda: not Task.objects.filter(pk=result.id, status=Status.COMPLETED).exists())
    assert not Group.objects.filter(name="fenced").exists()


def test_an_emptied_redis_costs_time_only(processes, redis):
    results = [garden.note.enqueue(name=f"task {number}") for number in range(30)]
    redis.flushdb()
    processes.worker(**QUICK)
    processes.scheduler(**QUICK)
    for result in results:
        eventually(status(result.id, Status.COMPLETED), log=processes.log)
    assert Group.objects.filter(name__startswith="task ").count() == 30


def test_with_redis_away_the_task_is_stored_and_the_relay_sends_it_later(
    processes, redis, settings, monkeypatch, caplog
):
    monkeypatch.setitem(settings.RQ_QUEUES["default"], "PORT", 1)  # nobody listens there
    bell._queue.cache_clear()
    monkeypatch.setattr(bell, "_away_until", 0.0)
    before = bell.failures._value.get()
    started = time.monotonic()
    result = garden.note.enqueue(name="away")
    assert time.monotonic() - started < 0.2
    assert Task.objects.get(pk=result.id).status == Status.PENDING
    assert bell.failures._value.get() == before + 1 and "wake-up failed" in caplog.text
    monkeypatch.undo()
    bell._queue.cache_clear()
    processes.worker()
    assert relay() == 1
    eventually(status(result.id, Status.COMPLETED), log=processes.log)


def test_a_second_delivery_does_nothing(redis):
    result = garden.note.enqueue(name="twice")
    run_task(result.id)
    run_task(result.id)
    assert Task.objects.get(pk=result.id).attempt == 1
    assert Group.objects.filter(name="twice").count() == 1


def test_a_dead_worker_takes_back_only_its_own_attempt(redis):
    result = garden.note.enqueue(name="mine")
    claim = claims.claim(result.id, worker="alive")
    assert store.crashed(worker="dead", message="gone") == []
    assert store.renew(claim, progress=1, message="") is False
    assert store.crashed(worker="alive", message="gone") == [(result.id, Status.PENDING)]


def test_a_zombie_cannot_finish_after_its_lease_was_taken(redis):
    result = garden.note.enqueue(name="zombie")
    zombie = claims.claim(result.id, worker="zombie")
    Task.objects.update(lease_until="2020-01-01T00:00Z")  # time as data: the lease ran out
    assert store.expire() == [(result.id, Status.PENDING)]
    Task.objects.update(run_after="2020-01-01T00:00Z")  # and so did its backoff
    successor = claims.claim(result.id, worker="successor")
    assert not store.end(zombie, status=Status.COMPLETED, outcome=Attempt.Outcome.COMPLETED, result="1")
    assert store.renew(zombie, progress=50, message="") is None
    assert store.end(successor, status=Status.COMPLETED, outcome=Attempt.Outcome.COMPLETED, result="2")
    assert Task.objects.get(pk=result.id).result == 2
    assert [a.outcome for a in Attempt.objects.order_by("number")] == ["crashed", "completed"]
