"""Tasks that do what tests need tasks to do."""

import os
import signal
import time
from datetime import timedelta

from django.contrib.auth.models import Group

from tasks.definitions import PermanentError, TemporaryError, cron, every, task
from tests.garden import hardships, storm


@task
def note(*, name: str) -> dict:
    """Leave one visible effect: a group row."""
    Group.objects.create(name=name)
    return {"noted": name}


@task(max_attempts=3, backoff_initial_s=0.2, backoff_max_s=0.4)
def fail(*, how: str) -> None:
    raise {"temporary": TemporaryError, "permanent": PermanentError, "unknown": RuntimeError}[how](f"{how} failure")


@task(takes_context=True, max_attempts=3, backoff_initial_s=0.2)
def fail_then_note(context, *, name: str, failures: int) -> dict:
    """Write, then fail: the effect of failed attempts must not stay."""
    Group.objects.create(name=name)
    if context.attempt <= failures:
        raise TemporaryError("not yet")
    return {"attempt": context.attempt}


@task(takes_context=True, max_attempts=3)
def die_once(context, *, name: str) -> dict:
    """The first attempt takes its process with it, after writing."""
    Group.objects.create(name=name)
    if context.attempt == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return {"attempt": context.attempt}


@task(max_attempts=5)
def always_die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@task(takes_context=True, atomic=False, timeout_s=60)
def slow(context, *, seconds: float, name: str = "") -> dict:
    """Work for a while in small steps that show progress and can be cancelled."""
    steps = 20
    for step in range(steps):
        time.sleep(seconds / steps)
        context.progress(100 * step / steps, f"step {step}")
    if name:
        Group.objects.create(name=name)
    return {"steps": steps}


@every(timedelta(hours=1))
@task
def hourly() -> None:
    """Runs once an hour."""


@every(timedelta(hours=1), missed="all")
@task
def every_hour() -> None:
    """Runs for each hour, also for those that nobody was there for."""


@every(timedelta(hours=1), missed="skip")
@task
def on_the_hour() -> None:
    """Runs at the hour or not at all."""


@cron("0 0 29 2 *")
@task
def on_leap_day() -> None:
    """Runs once in four years."""


@task(max_running=2)
def narrow(*, name: str) -> None:
    """At most two of these run at once."""
    Group.objects.create(name=name)


@task(max_attempts=1, timeout_s=60)
def suffer(*, how: str) -> None:
    """One of the hardships, after an effect that must not stay."""
    hardships.suffer(how)


weather, lightning, drought = storm.weather, storm.lightning, storm.drought
