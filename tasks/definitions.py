"""Declare what can run later: `@task` on a function of an app's `tasks.py`, as in Django's own Tasks API.

@task(queue_name="high", max_attempts=5)
def send_code(*, request_id: str) -> None: ...

send_code.using(subject=("user", user.pk)).enqueue(request_id=...)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import django_tasks
from django_tasks.base import Task as DjangoTask

from tasks.errors import LeaseLost, PermanentError, TaskCancelled, TaskTimeout, TemporaryError
from tasks.rhythm import Cron, Every, Rhythm

__all__ = [
    "LeaseLost",
    "Periodic",
    "PermanentError",
    "TaskCancelled",
    "TaskDefinition",
    "TaskTimeout",
    "TemporaryError",
    "cron",
    "every",
    "registered",
    "task",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskDefinition(DjangoTask):
    """A task function and how it is run. Times in seconds.

    atomic: the function and the finishing update share one transaction, so its effect happens exactly once.
        Switch it off for long work, and fence each transaction of it with `context.fence()`.
    waits_s: the wait after each failed attempt, instead of the doubling one; the last of them repeats.
    timeout_s: an attempt that runs longer is ended, by force if need be, and counts as failed.
    max_running: how many may run at once, on all workers together; None for no limit.
    unique_key: while a task of this key lives, enqueueing returns that one.
    coalesce_key: while a task of this key waits for its first attempt, enqueueing returns that one; it cannot
        start before the caller commits, so it sees the caller's rows.
    subject: (entity type, entity id) the work is about.
    webhook_id: a webhook to tell of the end, beside those that are told of every such task.
    """

    max_attempts: int = 3
    backoff_initial_s: float = 2.0
    backoff_max_s: float = 30.0
    waits_s: tuple[float, ...] = ()
    max_running: int | None = None
    timeout_s: int = 300
    result_ttl_s: int = 3600
    atomic: bool = True
    unique_key: str | None = None
    coalesce_key: str | None = None
    subject: tuple[str, str] = ("", "")
    requested_by_id: int | None = None
    webhook_id: Any = None

    @property
    def name(self) -> str:
        """`<app>.<function>`: stored in rows, so a task keeps its name."""
        return f"{self.func.__module__.split('.')[-2]}.{self.func.__name__}"

    def using(self, *, priority: int | None = None, queue_name: str | None = None, run_after: datetime | None = None,
              backend: str | None = None, **options: Any) -> TaskDefinition:  # fmt: skip
        """A copy with other options; besides Django's, any of the fields of this class."""
        changed = super(TaskDefinition, self).using(
            priority=priority, queue_name=queue_name, run_after=run_after, backend=backend
        )
        return replace(changed, **options) if options else changed

    def enqueue_many(self, calls: Iterable[dict[str, Any]]) -> list[str]:
        """Enqueue one task for each set of keyword arguments, by one statement. Returns their ids in order."""
        return self.get_backend().enqueue_many(self, calls)  # type: ignore[attr-defined]

    def backoff_s(self, attempt: int) -> float:
        """Wait after the failed attempt number `attempt` (from 1), before jitter."""
        if self.waits_s:
            return self.waits_s[min(attempt, len(self.waits_s)) - 1]
        return min(self.backoff_initial_s * 2 ** min(attempt - 1, 60), self.backoff_max_s)


@dataclass(frozen=True, slots=True)
class Periodic:
    """A task, the rhythm it runs in, and what becomes of slots that nobody was there for."""

    task: TaskDefinition
    rhythm: Rhythm
    missed: str
    kwargs: dict[str, Any]


_registry: dict[str, TaskDefinition] = {}
_periodic: dict[str, Periodic] = {}


def task(function: Callable | None = None, **options: Any) -> Any:
    """Register a function as a task; see TaskDefinition for the options, Django's own included."""

    def register(func: Callable) -> TaskDefinition:
        definition: TaskDefinition = django_tasks.task(**options)(func)  # type: ignore[assignment, arg-type]
        known = _registry.get(definition.name)
        if known is not None and known.module_path != definition.module_path:
            raise RuntimeError(f"two tasks are named {definition.name}")
        _registry[definition.name] = definition
        return definition

    return register(function) if function else register


def every(interval: timedelta, *, missed: str = "latest", **kwargs: Any) -> Callable[[TaskDefinition], TaskDefinition]:
    """Run a task at every multiple of an interval with these arguments; written above `@task`.

    missed: of the slots that passed while nobody was there, run the `latest`, `all` of them, or none (`skip`).
    """
    return _periodically(Every(interval), missed, kwargs)


def cron(expression: str, *, missed: str = "latest", **kwargs: Any) -> Callable[[TaskDefinition], TaskDefinition]:
    """Run a task by a cron expression of five fields, in UTC; else like `every`."""
    return _periodically(Cron(expression), missed, kwargs)


def _periodically(rhythm: Rhythm, missed: str, kwargs: dict[str, Any]) -> Callable[[TaskDefinition], TaskDefinition]:
    if missed not in ("latest", "skip", "all"):
        raise ValueError(f"missed is latest, skip or all, not {missed!r}")

    def register(definition: TaskDefinition) -> TaskDefinition:
        _periodic[definition.name] = Periodic(definition, rhythm, missed, kwargs)
        return definition

    return register


def registered(name: str) -> TaskDefinition | None:
    return _registry.get(name)


def registered_names() -> list[str]:
    return list(_registry)


def declared_limits() -> dict[str, int]:
    """Task names whose definition says how many may run at once."""
    return {name: d.max_running for name, d in _registry.items() if d.max_running is not None}


def periodic_tasks() -> list[Periodic]:
    return list(_periodic.values())
