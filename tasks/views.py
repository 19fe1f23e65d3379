"""Follow background work."""

from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from base.roles import EVERYONE, STAFF
from tasks.models import Task
from tasks.serializers import TaskSerializer


class TaskDetail(APIView):
    """State, progress and result of one task: the caller's own, or any for staff."""

    roles = EVERYONE

    @extend_schema(responses=TaskSerializer, tags=["tasks"])
    def get(self, request: Request, task_id: Any) -> Response:
        task = Task.objects.filter(pk=task_id).first()
        if task is None or not may_see(request.user, task):
            raise Http404
        headers = {"Retry-After": "1"} if task.is_live else None
        return Response(TaskSerializer(task).data, headers=headers)


def may_see(user: Any, task: Task) -> bool:
    return user.is_superuser or user.role in STAFF or task.requested_by_id == user.pk
