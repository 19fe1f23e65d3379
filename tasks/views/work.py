"""Follow tasks and act on them, one or many."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.exceptions import NotFound, PermissionDenied, ValidationError
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from base.pagination import NewestFirst
from base.problems import Conflict
from base.queries import refuse_unknown
from base.roles import EVERYONE, STAFF, Role
from tasks import bulk, dead_letters, filters, services
from tasks import serializers as s
from tasks.models import Status, Task
from tasks.views.access import operates, seen_task, sees_all, visible

OPERATORS = frozenset({Role.OPERATOR})


class NewestById(NewestFirst):
    """Ids are made in order of time, and every index ends in them."""

    ordering = ("-id",)

    def decode_cursor(self, request: Request) -> Any:
        cursor = super().decode_cursor(request)
        if cursor is not None and cursor.position is not None:
            try:
                UUID(str(cursor.position))
            except ValueError:
                raise NotFound(self.invalid_cursor_message) from None
        return cursor


class TaskList(ListAPIView):
    """Tasks, newest first: the caller's own, or all for staff."""

    roles = EVERYONE
    serializer_class = s.TaskRowSerializer
    pagination_class = NewestById
    queryset = Task.objects.none()

    @extend_schema(tags=["tasks"], parameters=[filters.TaskFilter])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        refuse_unknown(request, {*filters.FILTERS, "cursor", "limit", "format"})
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> Any:
        if "requested_by" in self.request.query_params and not sees_all(self.request.user):
            raise ValidationError({"requested_by": ["Only staff may ask for others' tasks."]})
        tasks = visible(self.request.user, filters.matching(filters.from_query(self.request.query_params)))
        return tasks.defer("kwargs", "result", "error_traceback")


class TaskDetail(APIView):
    """State, progress, result and attempts of one task: the caller's own, or any for staff."""

    roles = EVERYONE

    @extend_schema(tags=["tasks"], responses=s.TaskDetailSerializer)
    def get(self, request: Request, task_id: Any) -> Response:
        return shown(request, seen_task(request.user, task_id))


def shown(request: Request, task: Task, *, status: int = 200) -> Response:
    rights = {"staff": sees_all(request.user), "operates": operates(request.user),
              "owns": task.requested_by_id == request.user.pk}  # fmt: skip
    headers = {"Retry-After": "1"} if task.is_live else {}
    if status == 202:
        headers |= s.task_links(task.pk)
    return Response(s.TaskDetailSerializer(task, context=rights).data, status=status, headers=headers)


def reason_of(request: Request) -> str:
    given = s.ReasonSerializer(data=request.data)
    given.is_valid(raise_exception=True)
    return given.validated_data["reason"]


class Cancel(APIView):
    """Cancel a pending task at once (200), or ask a running one to stop (202). For its owner and operators."""

    roles = EVERYONE

    @extend_schema(
        tags=["tasks"],
        request=s.ReasonSerializer,
        responses={200: s.TaskDetailSerializer, 202: s.TaskDetailSerializer},
    )
    def post(self, request: Request, task_id: Any) -> Response:
        reason = reason_of(request)
        task = seen_task(request.user, task_id)
        if not (operates(request.user) or task.requested_by_id == request.user.pk):
            raise PermissionDenied("Only its owner or an operator may cancel a task.")
        try:
            now = services.cancel_task(task_id=task_id, reason=reason)
        except services.WrongState as error:
            raise Conflict(str(error)) from None
        ended = now.status == Status.CANCELLED
        return shown(request, seen_task(request.user, task_id), status=200 if ended else 202)


class Retry(APIView):
    """Start a failed or cancelled task again as a new one, which the answer shows."""

    roles = OPERATORS

    @extend_schema(tags=["tasks"], request=s.ReasonSerializer, responses={202: s.TaskDetailSerializer})
    def post(self, request: Request, task_id: Any) -> Response:
        reason = reason_of(request)
        seen_task(request.user, task_id)
        try:
            new = services.retry_task(task_id=task_id, reason=reason)
        except services.WrongState as error:
            raise Conflict(str(error)) from None
        return shown(request, seen_task(request.user, new.pk), status=202)


class Discard(APIView):
    """Take a failed task off the dead letters; its row stays."""

    roles = OPERATORS

    @extend_schema(tags=["tasks"], request=s.ReasonSerializer, responses=s.TaskDetailSerializer)
    def post(self, request: Request, task_id: Any) -> Response:
        reason = reason_of(request)
        seen_task(request.user, task_id)
        try:
            services.discard_task(task_id=task_id, reason=reason)
        except services.WrongState as error:
            raise Conflict(str(error)) from None
        return shown(request, seen_task(request.user, task_id))


class Bulk(APIView):
    """Retry, discard or cancel all tasks that meet a filter; `dry_run` only counts them, exactly up to 10,000."""

    roles = OPERATORS

    @extend_schema(
        tags=["tasks"],
        request=s.BulkSerializer,
        responses={
            200: OpenApiResponse(s.CountedSerializer, description="The dry run's count."),
            202: s.BulkStartedSerializer,
        },
    )
    def post(self, request: Request) -> Response:
        asked = s.BulkSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        data = asked.validated_data
        if data["dry_run"]:
            matching, at_least = bulk.count(data["action"], data["filter"])
            return Response({"matching": matching, "at_least": at_least})
        result = bulk.ask(action=data["action"], conditions=dict(data["filter"]), reason=data["reason"])
        body = {
            "task_id": result.id,
            "status": "queued",
            "message": f"Tasks that match will be {PAST[data['action']]}.",
        }
        return Response(body, status=202, headers=s.task_links(result.id))


PAST = {"retry": "retried", "discard": "discarded", "cancel": "cancelled"}


class DeadLetters(APIView):
    """What failed for good and waits for somebody, by task name and error, the most frequent first."""

    roles = STAFF

    @extend_schema(tags=["tasks"], responses=s.DeadLetterListSerializer)
    def get(self, request: Request) -> Response:
        refuse_unknown(request, {"format"})
        groups, complete = dead_letters.grouped()
        return Response({"results": groups, "complete": complete})
