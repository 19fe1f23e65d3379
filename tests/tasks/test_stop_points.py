"""A process is killed or stopped at each point where it could leave something half done: all is finished, once."""

from __future__ import annotations

import os
import signal
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from django.db.models import F
from django.utils import timezone

from tasks import claims, store
from tasks.models import TERMINAL, Attempt, PeriodicRun, Status, Task
from tasks.relay import relay
from tasks.schedules import declare
from tasks.sweep import sweep
from tests.garden import tasks as garden
from tests.processes import eventually

pytestmark = pytest.mark.django_db(transaction=True)
QUICK = {"TASK_LEASE_S": "2"}
HORSE = ["before the claim", "after the claim", "before the function", "after the function", "before the end",
         "between end and commit", "after the commit", "heartbeat", "horse's start"]  # fmt: skip
WORKER = ["bell in hand", "bell forgotten", "watching", "burying", "buried"]
SCHEDULER = ["tick", "waiting counted", "before the bell", "after the bell", "before the sweep", "after the sweep"]


@pytest.fixture
def stop(tmp_path: Path):
    """The environment of a process that ends itself at a point, once; `stop.mark` appears when it does."""

    def environment(point: str, how: str = "KILL") -> dict[str, str]:
        return {"MILLRACE_TEST_STOP": f"{point}={how}", "MILLRACE_TEST_MARK": str(environment.mark)}

    environment.mark = tmp_path / "mark"
    return environment


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


def test_a_cancellation_on_its_way_while_the_worker_dies_is_not_overlooked(redis):
    """The dead worker's row is locked by the cancellation; who takes it must see what that wrote."""
    import threading

    from django.db import connections, transaction

    result = garden.note.enqueue(name="x")
    claims.claim(result.id, worker="w")
    taken: list = []

    def take() -> None:
        taken.extend(store.crashed(worker="w", message="gone"))
        connections.close_all()

    thread = threading.Thread(target=take)
    with transaction.atomic():
        Task.objects.select_for_update().get(pk=result.id)
        thread.start()
        eventually(lambda: waits_for_a_lock(), within_s=5)
        Task.objects.filter(pk=result.id).update(cancel_requested_at=timezone.now())
    thread.join(10)
    assert taken == [(result.id, Status.CANCELLED)]


def waits_for_a_lock() -> bool:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return cursor.fetchone()[0] > 0


def test_an_attempt_that_keeps_losing_its_connection_ends_some_time(redis):
    result = garden.note.using(max_attempts=2).enqueue(name="x")
    for _ in range(store.MAX_HANDED_BACK + 2):
        Task.objects.filter(pk=result.id).update(run_after=timezone.now() - timedelta(seconds=9))
        claim = claims.claim(result.id, worker="w")
        assert store.hand_back(claim=claim, reason="lost")
    task = Task.objects.get(pk=result.id)
    assert (task.status, task.handed_back, task.attempt) == (Status.FAILED, store.MAX_HANDED_BACK, 22)


def test_a_late_attempt_has_a_backoff_that_can_be_counted(redis):
    result = garden.fail.using(max_attempts=5000).enqueue(how="temporary")
    Task.objects.filter(pk=result.id).update(attempt=3000)
    claim = claims.claim(result.id, worker="w")
    assert store.timed_out(worker="w", message="late") == [(result.id, Status.PENDING)]
    assert garden.fail.backoff_s(claim.attempt) == 0.4


def test_a_claim_that_the_server_forgot_in_a_crash_is_not_mistaken_for_the_next(redis):
    """Claims do not wait for the disk: after a power cut the row may be as it was before, and its holder still run."""
    result = garden.note.enqueue(name="x")
    forgotten = claims.claim(result.id, worker="survivor")
    Task.objects.filter(pk=result.id).update(
        status=Status.PENDING, attempt=0, lease_token=0, lease_until=None, worker="", started_at=None
    )
    claim = claims.claim_next(["default"], worker="next")
    assert claim.attempt == forgotten.attempt
    assert not store.fence(forgotten) and store.renew(forgotten, progress=1, message="") is None
    assert store.hand_back(claim=forgotten, reason="x") == []
    assert not store.end(forgotten, status=Status.COMPLETED, outcome=Attempt.Outcome.COMPLETED, result="1")
    assert store.end(claim, status=Status.COMPLETED, outcome=Attempt.Outcome.COMPLETED, result="2")
