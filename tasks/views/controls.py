"""Pause, resume and limit queues and task names; run, pause and resume periodic tasks."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from base.queries import refuse_unknown
from base.roles import STAFF, Role
from base.serializers import StrictSerializer
from tasks import controls, schedules
from tasks.definitions import declared_limits, periodic_tasks, registered_names
from tasks.figures import held
from tasks.models import Control, Schedule
from tasks.serializers import BulkStartedSerializer, ReasonSerializer, RequiredReasonSerializer, task_links
from tasks.views.statistics import HeldSerializer

OPERATORS = frozenset({Role.OPERATOR})
QUEUE, TASK = Control.Kind.QUEUE, Control.Kind.TASK


class ControlSerializer(HeldSerializer):
    """A queue or task name: since when, by whom and why it is paused, and how many may run at once."""

    name = serializers.CharField()


class LimitSerializer(StrictSerializer):
    """`max_running`: null takes the operators' limit away; a declared one stays."""

    max_running = serializers.IntegerField(min_value=1, max_value=32_767, allow_null=True)
    reason = serializers.CharField(max_length=300, required=False, default="", allow_blank=True)


class Controls(APIView):
    """All of one kind with their pauses and limits."""

    roles = STAFF
    kind: Control.Kind

    def answer(self, request: Request) -> Response:
        refuse_unknown(request, {"format"})
        rows = {control.name: control for control in Control.objects.filter(kind=self.kind)}
        names = settings.QUEUES if self.kind == QUEUE else sorted(registered_names())
        return Response([described(self.kind, name, rows.get(name)) for name in names])


class Queues(Controls):
    kind = QUEUE

    @extend_schema(tags=["task controls"], responses=ControlSerializer(many=True), operation_id="tasks_queues")
    def get(self, request: Request) -> Response:
        return self.answer(request)


class Names(Controls):
    kind = TASK

    @extend_schema(tags=["task controls"], responses=ControlSerializer(many=True), operation_id="tasks_names")
    def get(self, request: Request) -> Response:
        return self.answer(request)


def described(kind: str, name: str, control: Control | None) -> dict[str, Any]:
    return {"name": name, **held(control, declared_limits().get(name) if kind == TASK else None)}


class Act(APIView):
    """One action on one queue or task name; `kind` is given by its address."""

    roles = OPERATORS
    kind: str = QUEUE

    def act(self, name: str, do: Any, **values: Any) -> Response:
        try:
            control = do(kind=self.kind, name=name, **values)
        except controls.Unknown as error:
            raise NotFound(str(error)) from None
        return Response(described(self.kind, name, control))


class Pause(Act):
    """Let nothing of it start any more; what runs goes on."""

    @extend_schema(tags=["task controls"], request=RequiredReasonSerializer, responses=ControlSerializer)
    def post(self, request: Request, name: str) -> Response:
        return self.act(name, controls.pause, **given(RequiredReasonSerializer, request))


class Resume(Act):
    """Let it start again."""

    @extend_schema(tags=["task controls"], request=ReasonSerializer, responses=ControlSerializer)
    def post(self, request: Request, name: str) -> Response:
        return self.act(name, controls.resume, **given(ReasonSerializer, request))


class Limit(Act):
    """Let at most so many run at once, on all workers together."""

    @extend_schema(tags=["task controls"], request=LimitSerializer, responses=ControlSerializer)
    def post(self, request: Request, name: str) -> Response:
        return self.act(name, controls.limit, **given(LimitSerializer, request))


class ScheduleSerializer(serializers.Serializer):
    """A periodic task. `rhythm` is a cron expression or `every N s`, in UTC; `missed`, what becomes of missed slots."""

    name = serializers.CharField()
    rhythm = serializers.CharField()
    missed = serializers.CharField()
    last_slot = serializers.DateTimeField(allow_null=True)
    next_slot = serializers.DateTimeField(allow_null=True)
    last_task_id = serializers.UUIDField(allow_null=True)
    paused_at = serializers.DateTimeField(allow_null=True)
    paused_by = serializers.IntegerField(source="paused_by_id", allow_null=True)
    reason = serializers.CharField()


class Schedules(APIView):
    """Every periodic task that is declared."""

    roles = STAFF

    @extend_schema(tags=["task controls"], responses=ScheduleSerializer(many=True), operation_id="tasks_schedules")
    def get(self, request: Request) -> Response:
        refuse_unknown(request, {"format"})
        rows = Schedule.objects.in_bulk()
        found = [
            rows.get(p.task.name) or Schedule(name=p.task.name, rhythm=str(p.rhythm), missed=p.missed)
            for p in periodic_tasks()
        ]
        return Response(ScheduleSerializer(sorted(found, key=lambda row: row.name), many=True).data)


class RunNow(APIView):
    """Start a periodic task out of turn; its slots stay as they are."""

    roles = OPERATORS

    @extend_schema(tags=["task controls"], request=ReasonSerializer, responses={202: BulkStartedSerializer})
    def post(self, request: Request, name: str) -> Response:
        reason = given(ReasonSerializer, request)["reason"]
        try:
            result = schedules.run_now(name=name, reason=reason)
        except schedules.UnknownSchedule as error:
            raise NotFound(str(error)) from None
        body = {"task_id": result.id, "status": "queued", "message": f"{name} was asked to run."}
        return Response(body, status=202, headers=task_links(result.id))


class PauseSchedule(APIView):
    """Let no slot start until it is resumed."""

    roles = OPERATORS

    @extend_schema(tags=["task controls"], request=RequiredReasonSerializer, responses=ScheduleSerializer)
    def post(self, request: Request, name: str) -> Response:
        return changed(name, schedules.pause, given(RequiredReasonSerializer, request))


class ResumeSchedule(APIView):
    """Let its slots start again; the missed-run policy says what becomes of those between."""

    roles = OPERATORS

    @extend_schema(tags=["task controls"], request=ReasonSerializer, responses=ScheduleSerializer)
    def post(self, request: Request, name: str) -> Response:
        return changed(name, schedules.resume, given(ReasonSerializer, request))


def changed(name: str, do: Any, values: dict[str, Any]) -> Response:
    try:
        return Response(ScheduleSerializer(do(name=name, **values)).data)
    except schedules.UnknownSchedule as error:
        raise NotFound(str(error)) from None


def given(serializer: type[serializers.Serializer], request: Request) -> dict[str, Any]:
    found = serializer(data=request.data)
    found.is_valid(raise_exception=True)
    return found.validated_data
