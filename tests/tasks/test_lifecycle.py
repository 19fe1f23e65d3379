"""From enqueue to end, through a real worker process."""

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError, InternalError, transaction
from django.db.models.functions import Now

from tasks.models import Attempt, Status, Task
from tests.garden import tasks as garden
from tests.processes import eventually

pytestmark = pytest.mark.django_db(transaction=True)


def ended(task_id: str, status: str = Status.COMPLETED):
    return lambda: Task.objects.filter(pk=task_id, status=status).first()


def test_a_committed_task_runs_and_keeps_its_result(processes):
    processes.worker()
    result = garden.note.enqueue(name="noted")
    task = eventually(ended(result.id), log=processes.log)
    assert task.result == {"noted": "noted"}
    assert (task.attempt, task.progress, task.crashes) == (1, 100, 0)
    assert task.created_at <= task.started_at <= task.completed_at
    attempt = task.attempts.get()
    assert attempt.outcome == Attempt.Outcome.COMPLETED and attempt.worker
    assert garden.note.get_result(result.id).return_value == {"noted": "noted"}


def test_a_rolled_back_task_never_existed(processes, redis):
    with pytest.raises(RuntimeError), transaction.atomic():
        garden.note.enqueue(name="never")
        raise RuntimeError
    assert not Task.objects.exists()
    assert not redis.keys("rq:job:*")


def test_temporary_failures_retry_and_leave_no_half_effect(processes):
    processes.worker()
    processes.scheduler()
    result = garden.fail_then_note.enqueue(name="third time", failures=2)
    task = eventually(ended(result.id), log=processes.log)
    assert task.result == {"attempt": 3}
    outcomes = list(task.attempts.values_list("outcome", flat=True))
    assert outcomes == ["error", "error", "completed"]
    assert Group.objects.filter(name="third time").count() == 1


@pytest.mark.parametrize(("how", "attempts"), [("temporary", 3), ("unknown", 3), ("permanent", 1)])
def test_failures_end_in_the_dead_letters(processes, how, attempts):
    processes.worker()
    processes.scheduler()
    result = garden.fail.enqueue(how=how)
    task = eventually(ended(result.id, Status.FAILED), log=processes.log)
    assert task.attempt == task.attempts.count() == attempts
    assert task.error_message == f"{how} failure"
    assert "Traceback" in task.error_traceback
    assert task in Task.objects.dead_letters()


@pytest.mark.parametrize("state", [Status.COMPLETED, Status.FAILED, Status.CANCELLED])
def test_the_database_keeps_terminal_states_terminal(state):
    result = garden.note.enqueue(name="x")
    if state != Status.CANCELLED:
        Task.objects.filter(pk=result.id).update(status=Status.PROCESSING, lease_until=Now())
    Task.objects.filter(pk=result.id).update(status=state, completed_at=Now(), lease_until=None)
    for other in set(Status) - {state}:
        with pytest.raises((InternalError, IntegrityError)), transaction.atomic():
            Task.objects.filter(pk=result.id).update(status=other)
    assert Task.objects.get(pk=result.id).status == state
