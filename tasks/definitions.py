"""Declare what can run later: `@task` on a function of an app's `tasks.py`, as in Django's own Tasks API.

@task(queue_name="high", max_attempts=5)
def send_code(*, request_id: str) -> None: ...

send_code.using(subject=("user", user.pk)).enqueue(request_id=...)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import django_tasks
from django_tasks.base import Task as DjangoTask

from tasks.errors import LeaseLost, PermanentError, TaskCancelled, TemporaryError

__all__ = [
    "LeaseLost",
    "PermanentError",
    "TaskCancelled",
    "TaskDefinition",
    "TemporaryError",
    "every",
    "periodic_tasks",
    "registered",
    "task",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskDefinition(DjangoTask):
    """A task function and how it is run. Times in seconds.

    atomic: the function and the finishing update share one transaction, so its effect happens exactly once.
        Switch it off for long work, and fence each transaction of it with `context.fence()`.
    unique_key: while a task of this key lives, enqueueing returns that one.
    coalesce_key: while a task of this key waits for its first attempt, enqueueing returns that one; it cannot
        start before the caller commits, so it sees the caller's rows.
    subject: (entity type, entity id) the work is about.
    """

    max_attempts: int = 3
    backoff_initial_s: float = 2.0
    backoff_max_s: float = 30.0
    timeout_s: int = 300
    result_ttl_s: int = 3600
    atomic: bool = True
    unique_key: str | None = None
    coalesce_key: str | None = None
    subject: tuple[str, str] = ("", "")
    requested_by_id: int | None = None

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

    def backoff_s(self, attempt: int) -> float:
        """Wait after the failed attempt number `attempt` (from 1), before jitter."""
        return min(self.backoff_initial_s * 2 ** (attempt - 1), self.backoff_max_s)


@dataclass(frozen=True, slots=True)
class Periodic:
    """A task and the rhythm it runs in: slots are multiples of `interval` since 1970, the same for every scheduler."""

    task: TaskDefinition
    interval: timedelta
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


def every(interval: timedelta, **kwargs: Any) -> Callable[[TaskDefinition], TaskDefinition]:
    """Run a task periodically with these arguments; written above `@task`."""

    def register(definition: TaskDefinition) -> TaskDefinition:
        _periodic[definition.name] = Periodic(definition, interval, kwargs)
        return definition

    return register


def registered(name: str) -> TaskDefinition | None:
    return _registry.get(name)


def registered_names() -> list[str]:
    return sorted(_registry)


def periodic_tasks() -> list[Periodic]:
    return list(_periodic.values())
