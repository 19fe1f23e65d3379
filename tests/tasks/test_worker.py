"""What RQ may run, and what the pool does with its workers."""

import os
import signal
import time

import psutil
import pytest
from django.contrib.auth.models import Group
from rq.job import Job
from rq.queue import Queue
from rq.serializers import DefaultSerializer, JSONSerializer

from tasks.bell import ENTRY
from tasks.models import Status, Task
from tasks.worker import RefusedJob, TaskJob
from tests.garden import tasks as garden
from tests.processes import eventually

FORGED = [
    {"func": "os.system", "args": ["touch {mark}"]},
    {"func": ENTRY, "args": [["a", "list"]]},
    {"func": ENTRY, "args": ["a", "b"]},
    {"func": ENTRY, "args": [], "kwargs": {"task_id": "x"}},
    {"func": "tasks.execution.run_task", "args": ["x"]},
    {"func": "builtins.eval", "args": ["open('{mark}', 'w')"]},
]


@pytest.mark.parametrize("forged", FORGED, ids=[str(job) for job in FORGED])
def test_a_forged_job_is_refused(redis, forged):
    job = TaskJob.create(**forged, connection=redis, serializer=JSONSerializer)
    with pytest.raises(RefusedJob):
        _ = job.func


def test_callbacks_of_a_forged_job_are_ignored(redis):
    job = Job.create(ENTRY, args=["x"], connection=redis, serializer=JSONSerializer)
    job._success_callback_name = job._failure_callback_name = job._stopped_callback_name = "os.abort"
    job.save()
    fetched = TaskJob.fetch(job.id, connection=redis, serializer=JSONSerializer)
    assert fetched.success_callback is fetched.failure_callback is fetched.stopped_callback is None


@pytest.mark.parametrize("serializer", [JSONSerializer, DefaultSerializer])
def test_a_real_worker_runs_no_forged_job_and_goes_on(processes, redis, tmp_path, serializer):
    mark = tmp_path / "mark"
    queue = Queue("default", connection=redis, serializer=serializer)
    queue.enqueue("os.system", f"touch {mark}")
    processes.worker()
    result = garden.note.enqueue(name="after the forged one")
    eventually(lambda: Task.objects.get(pk=result.id).status == Status.COMPLETED, log=processes.log)
    assert not mark.exists()


def workers_of(pool) -> list[psutil.Process]:
    return [child for child in psutil.Process(pool.pid).children() if child.is_running()]


def test_the_pool_replaces_a_dead_worker_and_stops_with_its_children(processes):
    pool = processes.start("workers", "--num", "2")
    first = eventually(lambda: len(found := workers_of(pool)) == 2 and found, log=processes.log)
    first[0].send_signal(signal.SIGKILL)
    eventually(lambda: {w.pid for w in workers_of(pool)} - {w.pid for w in first}, log=processes.log)
    result = garden.note.enqueue(name="pooled")
    eventually(lambda: Task.objects.get(pk=result.id).status == Status.COMPLETED, log=processes.log)
    children = workers_of(pool)
    os.kill(pool.pid, signal.SIGTERM)
    assert pool.wait(20) == 0
    assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]


def test_a_stopping_worker_finishes_its_task(processes):
    pool = processes.start("workers", "--num", "1")
    result = garden.slow.enqueue(seconds=3, name="finished")
    eventually(lambda: Task.objects.get(pk=result.id).status == Status.PROCESSING, log=processes.log)
    os.kill(pool.pid, signal.SIGTERM)
    assert pool.wait(25) == 0
    assert Task.objects.get(pk=result.id).status == Status.COMPLETED
    assert Group.objects.filter(name="finished").exists()


def test_progress_is_seen_while_the_task_runs(processes):
    processes.worker()
    result = garden.slow.enqueue(seconds=6)
    task = eventually(lambda: Task.objects.filter(pk=result.id, progress__gt=10).first(), log=processes.log)
    assert task.status == Status.PROCESSING and task.progress_message.startswith("step")


def test_a_long_task_keeps_its_lease(processes):
    processes.worker(TASK_LEASE_S="2")
    processes.scheduler(TASK_LEASE_S="2")
    result = garden.slow.enqueue(seconds=6)
    time.sleep(5)
    eventually(lambda: Task.objects.get(pk=result.id).status == Status.COMPLETED, log=processes.log)
    assert Task.objects.get(pk=result.id).attempt == 1


def test_a_burst_runs_what_is_due_even_without_a_bell_and_leaves(processes, redis):
    ids = garden.note.enqueue_many([{"name": f"burst {number}"} for number in range(5)])
    redis.flushdb()
    worker = processes.start("rqworker", "high", "default", "low", "--burst")
    assert worker.wait(60) == 0
    assert Task.objects.filter(pk__in=ids, status=Status.COMPLETED).count() == 5


def test_one_work_horse_runs_many_tasks(processes):
    processes.worker()
    ids = garden.note.enqueue_many([{"name": f"one of many {number}"} for number in range(50)])
    eventually(lambda: Task.objects.filter(pk__in=ids, status=Status.COMPLETED).count() == 50, log=processes.log)
    assert len(set(Task.objects.filter(pk__in=ids).values_list("worker", flat=True))) == 1


def test_a_worker_serves_its_queues_in_order_and_the_greater_priority_first(processes, redis):
    for queue, priority in [("low", 9), ("default", 0), ("default", 5), ("high", 0)]:
        garden.note.using(queue_name=queue, priority=priority).enqueue(name=f"{queue} {priority}")
    redis.flushdb()
    assert processes.start("rqworker", "high", "default", "low", "--burst").wait(60) == 0
    started = Task.objects.order_by("started_at").values_list("kwargs__name", flat=True)
    assert list(started) == ["high 0", "default 5", "default 0", "low 9"]
