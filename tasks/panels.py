"""What pages of the console show of a task; other apps' pages show `work_panel`."""

from __future__ import annotations

import inspect
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
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
from tasks.models import Attempt, Status, Task

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
    )


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


def facts_panel(user: Any, task: Task) -> Facts:
    definition = registered(task.name)
    about = (inspect.getdoc(definition.func) or "").split("\n\n")[0] if definition else "No code knows this task now."
    retried_by = getattr(task, "retried_by", None)
    return Facts(
        title=task.name,
        side=True,
        rows=[
            ("What it does", about),
            ("Id", code(task.pk)),
            ("Queue", f"{task.queue_name}, priority {task.priority}"),
            ("Subject", entity_link(user, task.subject_type, task.subject_id)),
            ("Requested by", task.requested_by and row_link(user, type(task.requested_by), task.requested_by_id,
                                                            task.requested_by)),
            ("Attempts", f"{task.attempt} of at most {task.max_attempts}, {task.crashes} crashed"),
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
        for t in tasks.order_by("-created_at", "-id")[:limit]
    ]  # fmt: skip
    return [Table(title=title, headers=["Task", "State", "Created", "Message"], rows=rows)]
