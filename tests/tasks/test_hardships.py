"""Tasks that break, block or ignore their process: each is ended, says how, and the next on the same worker runs."""

import os
import signal

import pytest
from django.contrib.auth.models import Group

from tasks import services
from tasks.models import Attempt, Status, Task
from tasks.relay import relay
from tests.garden import tasks as garden
from tests.processes import eventually

pytestmark = pytest.mark.django_db(transaction=True)
OUTCOME = Attempt.Outcome


def is_(task_id: str, *wanted: str):
    def look():
        relay()
        return Task.objects.filter(pk=task_id, status__in=wanted).first()

    return look


@pytest.mark.parametrize(
    ("how", "words"),
    [("segfault", "SIGSEGV"), ("leave", "exit code 0"), ("eat_memory", "SIGABRT"), ("leave_a_child", "exit code 3")],
)
def test_a_task_that_ends_its_process_is_a_crash_and_the_next_runs(processes, how, words):
    processes.worker()
    broken = garden.suffer.enqueue(how=how)
    task = eventually(is_(broken.id, Status.FAILED), log=processes.log)
    after = garden.note.enqueue(name="after")
    eventually(is_(after.id, Status.COMPLETED), log=processes.log)
    assert task.attempts.get().outcome == OUTCOME.CRASHED and words in task.error_message
    names = {Task.objects.get(pk=i).worker.split("/")[0] for i in (broken.id, after.id)}
    assert len(names) == 1, "the same worker"
    assert not Group.objects.filter(name__startswith="suffered").exists()


@pytest.mark.parametrize("how", ["loop", "nap", "swallow", "loop_in_c"])
def test_a_task_that_outruns_its_timeout_is_ended_by_force_if_need_be(processes, how):
    processes.worker()
    late = garden.suffer.using(timeout_s=1).enqueue(how=how)
    task = eventually(is_(late.id, Status.FAILED), log=processes.log)
    after = garden.note.enqueue(name="after")
    eventually(is_(after.id, Status.COMPLETED), log=processes.log)
    assert task.attempts.get().outcome == OUTCOME.TIMED_OUT
    assert not Group.objects.filter(name__startswith="suffered").exists()
    same_process = task.worker == Task.objects.get(pk=after.id).worker
    assert same_process == (how in ("loop", "nap")), "only what does not listen costs its process"


@pytest.mark.parametrize("how", ["loop", "nap", "swallow"])
def test_a_running_task_that_never_looks_is_cancelled_within_seconds(processes, how):
    processes.worker()
    running = garden.suffer.enqueue(how=how)
    eventually(is_(running.id, Status.PROCESSING), log=processes.log)
    services.cancel_task(task_id=running.id)
    task = eventually(is_(running.id, Status.CANCELLED), within_s=15, log=processes.log)
    assert task.attempts.get().outcome == OUTCOME.CANCELLED
    assert not Group.objects.filter(name__startswith="suffered").exists()


@pytest.mark.parametrize("how", ["odd_words", "mute"])
def test_an_error_that_no_database_takes_is_noted_all_the_same(processes, how):
    processes.worker()
    result = garden.suffer.enqueue(how=how)
    task = eventually(is_(result.id, Status.FAILED), log=processes.log)
    assert task.attempts.get().outcome == OUTCOME.ERROR and task.error_message


@pytest.mark.parametrize("how", ["nap", "swallow"])
def test_a_stopping_worker_hands_back_what_takes_longer_and_no_attempt_is_used(processes, how):
    worker = processes.worker(MILLRACE_TEST_GRACE="1")
    result = garden.suffer.enqueue(how=how)
    eventually(is_(result.id, Status.PROCESSING), log=processes.log)
    os.kill(worker.pid, signal.SIGTERM)
    task = eventually(is_(result.id, Status.PENDING), within_s=10, log=processes.log)
    assert worker.wait(10) == 0
    assert (task.attempt, task.handed_back) == (1, 1) and task.attempts.get().outcome == OUTCOME.HANDED_BACK
    Task.objects.filter(pk=result.id).update(kwargs={"how": "odd_words"})
    processes.worker()
    assert eventually(is_(result.id, Status.FAILED), log=processes.log).attempt == 2  # its first that counts
