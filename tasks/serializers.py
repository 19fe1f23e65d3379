"""A task as clients see it."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from base.serializers import PlainSerializer, StrictSerializer
from tasks.filters import TaskFilter
from tasks.models import Attempt, Status, Task

SHOWN_IN_LISTS = 300  # characters of an error's message


class ErrorSerializer(serializers.Serializer):
    type = serializers.CharField()
    message = serializers.CharField()


class TaskSerializer(PlainSerializer):
    """Named after `GET /api/v1/tasks/{task_id}` of the async-processing document."""

    task_id = serializers.UUIDField(source="id")
    name = serializers.CharField()
    status = serializers.ChoiceField(choices=Status.choices)
    queue = serializers.CharField(source="queue_name")
    priority = serializers.IntegerField()
    subject_type = serializers.CharField()
    subject_id = serializers.CharField()
    created_at = serializers.DateTimeField()
    run_after = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    completed_at = serializers.DateTimeField(allow_null=True)
    progress_percentage = serializers.IntegerField(source="progress", min_value=0, max_value=100)
    progress_message = serializers.CharField()
    attempts = serializers.IntegerField(source="attempt")
    max_attempts = serializers.IntegerField()
    result = serializers.JSONField()  # any JSON, null included
    result_dropped_at = serializers.DateTimeField(allow_null=True)
    error = serializers.SerializerMethodField()

    @extend_schema_field(ErrorSerializer(allow_null=True))
    def get_error(self, task: Task) -> dict[str, str] | None:
        """Type and message of the last failure; the trace is for staff, in the console."""
        if not task.error_type or task.status == Status.COMPLETED:
            return None
        return {"type": task.error_type, "message": task.error_message}


class TaskRowSerializer(TaskSerializer):
    """A task in a list: without its result, and with the beginning of its error."""

    result = None  # type: ignore[assignment]
    correlation_id = serializers.CharField()
    requested_by = serializers.IntegerField(source="requested_by_id", allow_null=True)
    discarded_at = serializers.DateTimeField(allow_null=True)

    @extend_schema_field(ErrorSerializer(allow_null=True))
    def get_error(self, task: Task) -> dict[str, str] | None:
        error = super().get_error(task)
        return error and {**error, "message": error["message"][:SHOWN_IN_LISTS]}


class AttemptSerializer(serializers.Serializer):
    """One ended try. `worker` is told to staff alone."""

    number = serializers.IntegerField()
    worker = serializers.CharField(required=False)
    started_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField()
    outcome = serializers.ChoiceField(choices=Attempt.Outcome.choices)
    error = ErrorSerializer(allow_null=True)


class TaskDetailSerializer(TaskSerializer):
    """A task of `lookup.find`. `links` names what can be asked of it now, for the caller's role.

    context: `staff`, the caller sees others' tasks; `operates`, the caller may retry and discard.
    """

    correlation_id = serializers.CharField()
    cancel_requested_at = serializers.DateTimeField(allow_null=True)
    discarded_at = serializers.DateTimeField(allow_null=True)
    retry_of = serializers.UUIDField(source="retry_of_id", allow_null=True)
    retried_by = serializers.UUIDField(source="successor_id", allow_null=True)
    attempt_history = serializers.SerializerMethodField()
    links = serializers.SerializerMethodField()

    @extend_schema_field(AttemptSerializer(many=True))
    def get_attempt_history(self, task: Any) -> list[dict[str, Any]]:
        shown: tuple[str, ...] = ("number", "worker", "started_at", "ended_at", "outcome")
        if not self.context["staff"]:
            shown = tuple(name for name in shown if name != "worker")
        return [
            {
                **{name: attempt[name] for name in shown},
                "error": {"type": attempt["error_type"], "message": attempt["error_message"]}
                if attempt["error_type"]
                else None,
            }
            for attempt in task.history
        ]

    def get_links(self, task: Any) -> dict[str, str]:
        here = task_path(task.pk)
        links = {"self": here, "events": f"{here}/events"}
        if task.is_live and (self.context["operates"] or self.context["owns"]):
            links["cancel"] = f"{here}/cancel"
        if self.context["operates"]:
            if task.status in (Status.FAILED, Status.CANCELLED) and task.successor_id is None:
                links["retry"] = f"{here}/retry"
            if task.status == Status.FAILED and task.discarded_at is None:
                links["discard"] = f"{here}/discard"
        if task.retry_of_id:
            links["retry_of"] = task_path(task.retry_of_id)
        if task.successor_id:
            links["retried_by"] = task_path(task.successor_id)
        return links


class ReasonSerializer(StrictSerializer):
    """Why; kept in the audit trail."""

    reason = serializers.CharField(max_length=300, required=False, default="", allow_blank=True)


class RequiredReasonSerializer(StrictSerializer):
    reason = serializers.CharField(max_length=300)


class BulkSerializer(StrictSerializer):
    action = serializers.ChoiceField(choices=["retry", "discard", "cancel"])
    filter = TaskFilter()
    reason = serializers.CharField(max_length=300)
    dry_run = serializers.BooleanField(default=False)

    def validate_filter(self, value: dict[str, Any]) -> dict[str, Any]:
        if not value:
            raise serializers.ValidationError("Name at least one filter; all tasks at once are never meant.")
        return value


class CountedSerializer(serializers.Serializer):
    """How many tasks would be acted on; `at_least` says that it was not counted further."""

    matching = serializers.IntegerField()
    at_least = serializers.BooleanField()


class BulkStartedSerializer(serializers.Serializer):
    task_id = serializers.UUIDField()
    status = serializers.CharField()
    message = serializers.CharField()


class DeadLetterSerializer(serializers.Serializer):
    """Failed tasks of one name with one error, neither retried nor discarded."""

    name = serializers.CharField()
    error_type = serializers.CharField()
    count = serializers.IntegerField()
    first_at = serializers.DateTimeField()
    last_at = serializers.DateTimeField()
    message = serializers.CharField()
    task_ids = serializers.ListField(child=serializers.UUIDField())


class DeadLetterListSerializer(serializers.Serializer):
    """`complete`: there are no further groups."""

    results = DeadLetterSerializer(many=True)
    complete = serializers.BooleanField()


def task_path(task_id: Any) -> str:
    return f"/api/v1/tasks/{task_id}"


def task_links(task_id: Any) -> dict[str, str]:
    """Headers of an answer that started background work."""
    return {"Location": task_path(task_id), "Retry-After": "1"}
