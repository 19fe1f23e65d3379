"""Which tasks are meant: one set of filters for the list and for acting on many."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from rest_framework import serializers

from base.serializers import StrictSerializer
from tasks.models import Status, Task
from tasks.models.task import TaskQuerySet


class TaskFilter(StrictSerializer):
    """Every filter is served by an index. `error_type` and `discarded` are about failed tasks, and mean them alone.

    created_after, created_before: by the time in the task's id, in milliseconds: when its row was written.
    """

    status = serializers.ListField(
        child=serializers.ChoiceField(choices=Status.choices), min_length=1, max_length=5, required=False
    )
    name = serializers.CharField(max_length=120, required=False)
    queue = serializers.CharField(max_length=40, required=False)
    subject_type = serializers.CharField(max_length=60, required=False)
    subject_id = serializers.CharField(max_length=100, required=False)
    correlation_id = serializers.CharField(max_length=64, required=False)
    requested_by = serializers.IntegerField(min_value=1, max_value=2**63 - 1, required=False)
    created_after = serializers.DateTimeField(required=False)
    created_before = serializers.DateTimeField(required=False)
    error_type = serializers.CharField(max_length=200, required=False)
    discarded = serializers.BooleanField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("subject_type" in attrs) != ("subject_id" in attrs):
            raise serializers.ValidationError("subject_type and subject_id go together.")
        return attrs


FILTERS: list[str] = list(TaskFilter().fields)


def from_query(parameters: Any) -> dict[str, Any]:
    """The filters of a query string, checked; `status` may be repeated or comma-separated. Raises ValidationError."""
    data: dict[str, Any] = {name: parameters[name] for name in FILTERS if name in parameters}
    if "status" in data:
        data["status"] = [part for value in parameters.getlist("status") for part in value.split(",")]
    return checked(data)


def checked(data: Any) -> dict[str, Any]:
    """Raises ValidationError. What it gives may be stored as JSON and checked again."""
    found = TaskFilter(data=data)
    found.is_valid(raise_exception=True)
    return dict(found.validated_data)


def matching(filters: dict[str, Any]) -> TaskQuerySet:
    """The tasks that meet all of the filters; no filter, all tasks."""
    tasks = Task.objects.all()
    rest = dict(filters)
    if statuses := sorted(set(rest.pop("status", ()))):
        tasks = tasks.filter(status=statuses[0]) if len(statuses) == 1 else tasks.filter(status__in=statuses)
    if "error_type" in rest or "discarded" in rest:
        tasks = tasks.filter(status=Status.FAILED)
    if "discarded" in rest:
        tasks = tasks.filter(discarded_at__isnull=not rest.pop("discarded"))
    if "queue" in rest:
        tasks = tasks.filter(queue_name=rest.pop("queue"))
    if "created_after" in rest:
        tasks = tasks.filter(id__gte=first_id(rest.pop("created_after")))
    if "created_before" in rest:
        tasks = tasks.filter(id__lt=first_id(rest.pop("created_before")))
    return tasks.filter(**rest)


def first_id(moment: datetime) -> UUID:
    """No task written at or after this millisecond has a smaller id: ids are UUIDs of version 7."""
    milliseconds = min(max(int(moment.timestamp() * 1000), 0), 2**48 - 1)
    return UUID(int=milliseconds << 80)
