"""Who sees which tasks."""

from __future__ import annotations

from typing import Any

from django.http import Http404

from base.roles import STAFF, Role
from tasks import lookup
from tasks.models import Task
from tasks.models.task import TaskQuerySet


def sees_all(user: Any) -> bool:
    return user.is_superuser or user.role in STAFF


def operates(user: Any) -> bool:
    return user.is_superuser or user.role in (Role.OPERATOR, Role.ADMIN)


def visible(user: Any, tasks: TaskQuerySet) -> TaskQuerySet:
    return tasks if sees_all(user) else tasks.filter(requested_by=user.pk)


def seen_task(user: Any, task_id: Any) -> Task:
    """The task as `lookup.find` gives it. Raises Http404 for one that is not there or not the user's to see."""
    task = lookup.find(task_id)
    if task is None or not (sees_all(user) or task.requested_by_id == user.pk):
        raise Http404
    return task
