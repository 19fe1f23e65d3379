"""The tasks of a chaos run. Each leaves one row for each time it was done, so that doing it twice shows."""

import os
import signal
import time

from django.db import connection

from tasks.definitions import PermanentError, TemporaryError, task

TABLE = "CREATE TABLE chaos_effect (task_id uuid NOT NULL)"


def effect(context) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO chaos_effect (task_id) VALUES (%s)", [context.task_id])


@task(takes_context=True, max_attempts=8, backoff_initial_s=0.2, backoff_max_s=1.0)
def weather(context, *, name: str, failures: int = 0, seconds: float = 0, permanent: bool = False) -> None:
    """Do it, unless it is to fail this time."""
    effect(context)
    time.sleep(seconds)
    if permanent:
        raise PermanentError("as planned")
    if context.attempt <= failures:
        raise TemporaryError("as planned")


@task(takes_context=True, max_attempts=8)
def lightning(context, *, name: str, strikes: int) -> None:
    """Take the process along, some times."""
    effect(context)
    if context.attempt <= strikes:
        os.kill(os.getpid(), signal.SIGKILL)


@task(takes_context=True, max_attempts=1, timeout_s=1)
def drought(context, *, name: str) -> None:
    """Outrun the timeout."""
    effect(context)
    time.sleep(60)
