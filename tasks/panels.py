"""What pages of the console show of a task; other apps' pages show `work_panel`."""

from __future__ import annotations

import inspect
from datetime import timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from base.links import entity_link, may_view, row_link
from base.panels import (
    BAD,
    BUSY,
    GOOD,
    IDLE,
    WARN,
    Facts,
    Live,
    Panel,
    Table,
    Text,
    ago,
    badge,
    code,
    lasting,
    nowrap,
    pretty,
    when,
)
from tasks.definitions import registered
from tasks.models import Attempt, Control, Status, Task
from tasks.store import MAX_CRASHES

TONES = {
    Status.PENDING: IDLE,
    Status.PROCESSING: BUSY,
    Status.COMPLETED: GOOD,
    Status.FAILED: BAD,
    Status.CANCELLED: WARN,
}
OUTCOMES = {
    Attempt.Outcome.COMPLETED: GOOD,
    Attempt.Outcome.ERROR: BAD,
    Attempt.Outcome.TIMED_OUT: BAD,
    Attempt.Outcome.CRASHED: BAD,
    Attempt.Outcome.CANCELLED: WARN,
    Attempt.Outcome.HANDED_BACK: IDLE,
}


def task_panels(user: Any, task: Task) -> list[Panel]:
    panels: list[Panel] = [live_panel(task)]
    if task.error_type or task.error_message:
        text = f"{task.error_type}: {task.error_message}\n\n{task.error_traceback}".strip()
        panels.append(Text(title="Error", text=text, tone=BAD))
    return [
        *panels,
        attempts_panel(task),
        Text(title="Arguments", text=pretty(task.kwargs)),
        Text(title="Result", text=result_text(task)),
        facts_panel(user, task),
        times_panel(task),
    ]


def seen(task: Task) -> str:
    return f"{task.status}-{task.attempt}"


def live_panel(task: Task) -> Live:
    url = reverse("admin:tasks_task_live", args=[task.pk]) + f"?seen={seen(task)}" if task.is_live else ""
    stopping = task.is_live and task.cancel_requested_at is not None
    return Live(
        title="Progress",
        url=url,
        badge=badge(task.status, TONES[Status(task.status)]),
        percent=task.progress,
        message="Asked to stop." if stopping else task.progress_message,
        tone=TONES[Status(task.status)],
        rows=[(name, value) for name, value in live_rows(task) if value],
    )


def live_rows(task: Task) -> list[tuple[str, Any]]:
    """The attempt that runs: which, where, for how long, and how long its worker may still be silent."""
    attempt = f"{task.attempt - task.handed_back} of {task.max_attempts}"
    if task.status == Status.PENDING:
        return [("Attempts so far", task.attempt), ("Next attempt", next_attempt(task))]
    if task.status != Status.PROCESSING:
        return []
    ran = timezone.now() - task.attempt_started_at if task.attempt_started_at else None
    left = task.lease_until - timezone.now() if task.lease_until else None
    lease = (
        f"{lasting(left)} left" if left and left > timedelta() else "ran out; the task is taken from its worker soon"
    )
    return [
        ("Attempt", attempt),
        ("Worker", task.worker),
        ("Running for", f"{lasting(ran)} of at most {lasting(timedelta(seconds=task.timeout_s))}"),
        ("Lease", lease),
    ]


def next_attempt(task: Task) -> str:
    """When a waiting task may start, or what holds it."""
    own = Q(kind=Control.Kind.QUEUE, name=task.queue_name) | Q(kind=Control.Kind.TASK, name=task.name)
    if held := Control.objects.filter(own, paused_at__isnull=False).first():
        return f"not while {held} is paused: {held.reason}"
    wait = task.run_after - timezone.now()
    return f"in {lasting(wait)}" if wait > timedelta() else "when a worker is free"


def attempts_panel(task: Task) -> Table:
    rows = [
        (
            attempt.number,
            attempt.worker,
            when(attempt.started_at),
            when(attempt.ended_at),
            nowrap(lasting(attempt.ended_at - attempt.started_at)),
            badge(attempt.outcome, OUTCOMES[Attempt.Outcome(attempt.outcome)]),
            short_error(attempt),
        )
        for attempt in task.attempts.all()
    ]
    if task.status == Status.PROCESSING:
        started = nowrap(lasting(timezone.now() - task.attempt_started_at)) if task.attempt_started_at else ""
        rows.append((task.attempt, task.worker, when(task.attempt_started_at), "", started, badge("running", BUSY), ""))
    headers = ["No.", "Worker", "Started", "Ended", "Took", "Outcome", "Error"]
    return Table(title="Attempts", headers=headers, rows=rows, empty="No worker has taken it yet.")


def short_error(attempt: Attempt) -> str:
    kind = attempt.error_type.rpartition(".")[2]
    return f"{kind}: {attempt.error_message}"[:300] if kind else ""


def about(name: str) -> str:
    """The first paragraph of a task's docstring."""
    definition = registered(name)
    return (inspect.getdoc(definition.func) or "").split("\n\n")[0] if definition else "No code knows this task now."


def facts_panel(user: Any, task: Task) -> Facts:
    retried_by = getattr(task, "retried_by", None)
    return Facts(
        title=task.name,
        side=True,
        rows=[
            ("What it does", about(task.name)),
            ("Id", code(task.pk)),
            ("Queue", f"{task.queue_name}, priority {task.priority}"),
            ("Subject", entity_link(user, task.subject_type, task.subject_id)),
            ("Requested by", task.requested_by and row_link(user, type(task.requested_by), task.requested_by_id,
                                                            task.requested_by)),
            ("Attempts", f"{task.attempt - task.handed_back} of at most {task.max_attempts}"),
            ("Crashes", f"{task.crashes} of at most {MAX_CRASHES}"),
            ("Handed back", f"{task.handed_back}, which count for nothing" if task.handed_back else ""),
            ("Timeout", f"{lasting(timedelta(seconds=task.timeout_s))} an attempt"),
            ("Last worker", "" if task.is_live else task.worker),
            ("Retry of", task.retry_of_id and row_link(user, Task, task.retry_of_id)),
            ("Retried by", retried_by and row_link(user, Task, retried_by.pk)),
            ("Unique key", task.unique_key),
            ("Correlation id", task.correlation_id and code(task.correlation_id)),
        ],
    )  # fmt: skip


def times_panel(task: Task) -> Facts:
    waited = task.started_at - task.created_at if task.started_at else None
    ran = task.completed_at - task.started_at if task.completed_at and task.started_at else None
    return Facts(
        title="Times (UTC)",
        side=True,
        rows=[
            ("Created", when(task.created_at)),
            ("Not before", when(task.run_after)),
            ("Started", when(task.started_at)),
            ("Ended", when(task.completed_at)),
            ("Waited", lasting(waited)),
            ("Ran", lasting(ran)),
            ("Cancel asked", when(task.cancel_requested_at)),
            ("Discarded", when(task.discarded_at)),
        ],
    )


def result_text(task: Task) -> str:
    if task.result_dropped_at:
        return (
            f"Dropped {ago(task.result_dropped_at)}; results are kept {lasting(timedelta(seconds=task.result_ttl_s))}."
        )
    if task.result is None:
        return "None yet." if task.is_live else "None."
    return pretty(task.result)


def work_panel(user: Any, tasks: QuerySet[Task], *, title: str = "Background tasks", limit: int = 10) -> list[Table]:
    """The newest of some tasks for another page; nothing for a user who may not see tasks."""
    if not may_view(user, Task):
        return []
    rows = [
        (row_link(user, Task, t.pk, t.name), badge(t.status, TONES[Status(t.status)]), when(t.created_at),
         t.progress_message or t.error_message[:120])
        for t in tasks.order_by("-id")[:limit]
    ]  # fmt: skip
    return [Table(title=title, headers=["Task", "State", "Created", "Message"], rows=rows)]
