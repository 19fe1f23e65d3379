"""Pause, resume and limit a queue or a task name, for every worker at once. Each leaves an audit entry."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from audit.services import log_audit_event
from base import context
from tasks import bell
from tasks.definitions import registered, registered_names
from tasks.models import Control

KINDS = Control.Kind
ENTITY = {Control.Kind.QUEUE: "queue", Control.Kind.TASK: "task_name"}  # in the trail; `task` is one task's id there


class Unknown(Exception):
    """There is no queue or task of this name."""


def declare() -> None:
    """Give every queue and task name a row, so that a page can list what may be paused."""
    wanted = {(KINDS.QUEUE.value, name) for name in settings.QUEUES}
    wanted |= {(KINDS.TASK.value, name) for name in registered_names()}
    missing = sorted(wanted.difference(Control.objects.values_list("kind", "name")))
    if missing:
        Control.objects.bulk_create([Control(kind=kind, name=name) for kind, name in missing], ignore_conflicts=True)


@transaction.atomic
def pause(*, kind: str, name: str, reason: str) -> Control:
    """Let nothing of it start any more; what runs goes on. Raises Unknown."""
    control = _locked(kind, name)
    if control.paused_at is None:
        _update(control, paused_at=Now(), paused_by_id=context.current().user_id, reason=reason[:300])
        log_audit_event(f"{kind}_paused", ENTITY[KINDS(kind)], name, {"reason": reason})
    return control


@transaction.atomic
def resume(*, kind: str, name: str, reason: str = "") -> Control:
    """Let it start again. Raises Unknown."""
    control = _locked(kind, name)
    if control.paused_at is not None:
        _update(control, paused_at=None, paused_by_id=None, reason="")
        log_audit_event(f"{kind}_resumed", ENTITY[KINDS(kind)], name, {"reason": reason})
        _wake(kind, name)
    return control


@transaction.atomic
def limit(*, kind: str, name: str, max_running: int | None, reason: str = "") -> Control:
    """Let at most so many run at once, on all workers together; None for no limit. Raises Unknown.

    The limit that a task's definition declares holds beside it: the smaller one counts.
    """
    control = _locked(kind, name)
    was = control.max_running
    if was != max_running:
        _update(control, max_running=max_running)
        log_audit_event(
            f"{kind}_limited", ENTITY[KINDS(kind)], name, {"max_running": max_running, "was": was, "reason": reason}
        )
        _wake(kind, name)
    return control


def _locked(kind: str, name: str) -> Control:
    known = name in settings.QUEUES if kind == Control.Kind.QUEUE else registered(name) is not None
    if not known or kind not in Control.Kind.values:
        raise Unknown(f"There is no {kind} named {name}.")
    Control.objects.bulk_create([Control(kind=kind, name=name)], ignore_conflicts=True)
    return Control.objects.select_for_update().get(kind=kind, name=name)


def _update(control: Control, **values: object) -> None:
    Control.objects.filter(pk=control.pk).update(**values)
    control.refresh_from_db()


def _wake(kind: str, name: str) -> None:
    """The relay would ring within a second; ring now. A task name may wait in any queue."""
    for queue_name in [name] if kind == Control.Kind.QUEUE else settings.QUEUES:
        bell.ring_on_commit(queue_name)
