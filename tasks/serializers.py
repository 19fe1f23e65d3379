"""A task as clients see it."""

from typing import Any

from rest_framework import serializers

from tasks.models import Status, Task


class TaskSerializer(serializers.Serializer):
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
    result = serializers.JSONField(allow_null=True)
    result_dropped_at = serializers.DateTimeField(allow_null=True)
    error = serializers.SerializerMethodField()

    def get_error(self, task: Task) -> dict[str, str] | None:
        """Type and message of the last failure; the trace is for staff, in the console."""
        if not task.error_type or task.status == Status.COMPLETED:
            return None
        return {"type": task.error_type, "message": task.error_message}


def task_links(task_id: Any) -> dict[str, str]:
    """Headers of an answer that started background work."""
    return {"Location": f"/api/v1/tasks/{task_id}", "Retry-After": "1"}
