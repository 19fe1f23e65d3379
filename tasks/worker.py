"""The RQ side: a job class that can run nothing but a task, and a worker that notices its work-horse's death."""

from __future__ import annotations

import logging
from typing import Any

from django.db import connections
from rq import Worker
from rq.job import Job
from rq.serializers import JSONSerializer

from base.startup import refuse_unsafe_start
from tasks import store
from tasks.bell import ENTRY
from tasks.execution import run_task, worker_name

logger = logging.getLogger(__name__)


class RefusedJob(Exception):
    """A job in Redis that is not one of ours. Whoever can write to Redis must not be able to run code here."""


def run(task_id: str) -> None:
    """The one function RQ may call."""
    run_task(task_id)


class TaskJob(Job):
    """Refuses every function, callback and argument but `run(task_id)`."""

    @property
    def func(self) -> Any:
        expected = (
            self.func_name == ENTRY
            and self.instance is None
            and not self.kwargs
            and len(self.args) == 1
            and isinstance(self.args[0], str)
        )
        if not expected:
            raise RefusedJob(f"refused the job {self.id}")
        return run

    @property
    def success_callback(self) -> None:  # type: ignore[override]
        return None

    @property
    def failure_callback(self) -> None:  # type: ignore[override]
        return None

    @property
    def stopped_callback(self) -> None:  # type: ignore[override]
        return None


class TaskWorker(Worker):
    """RQ's forking worker with our job class and JSON, however it is started."""

    job_class = TaskJob

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["job_class"] = TaskJob
        kwargs["serializer"] = JSONSerializer  # rqworker's own default is pickle, which runs code
        super().__init__(*args, **kwargs)

    def work(self, *args: Any, **kwargs: Any) -> bool:
        refuse_unsafe_start()
        return super().work(*args, **kwargs)

    def fork_work_horse(self, job: Job, queue: Any) -> None:
        connections.close_all()  # parent and child must not share a socket
        super().fork_work_horse(job, queue)

    def handle_work_horse_killed(self, job: Job, retpid: int, ret_val: int, rusage: Any) -> None:
        """The work-horse was killed or crashed: put its task back at once instead of waiting for the lease."""
        try:
            args = job.args
            if isinstance(args, list | tuple) and len(args) == 1:
                message = f"The work-horse ended unexpectedly (wait status {ret_val})."
                store.crashed(str(args[0]), worker=worker_name(retpid), message=message)
        except Exception:
            logger.exception("could not note the crash; the sweeper will")
        finally:
            connections.close_all()
