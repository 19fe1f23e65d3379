"""How background work does, and who does it."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from base.queries import refuse_unknown
from base.roles import STAFF
from tasks import crew, figures


class PercentilesSerializer(serializers.Serializer):
    """Seconds; at most 19 % above the exact ones."""

    p50 = serializers.FloatField(allow_null=True)
    p95 = serializers.FloatField(allow_null=True)


class HeldSerializer(serializers.Serializer):
    paused_at = serializers.DateTimeField(allow_null=True)
    paused_by = serializers.IntegerField(allow_null=True)
    reason = serializers.CharField()
    max_running = serializers.IntegerField(allow_null=True)
    declared_max_running = serializers.IntegerField(allow_null=True)


class FiguresSerializer(HeldSerializer):
    """`depth` is due now, `deferred` later; counts and rates are of the window."""

    depth = serializers.IntegerField()
    deferred = serializers.IntegerField()
    oldest_waiting_s = serializers.FloatField(allow_null=True)
    running = serializers.IntegerField()
    completed = serializers.IntegerField()
    failed = serializers.IntegerField()
    cancelled = serializers.IntegerField()
    completed_per_minute = serializers.FloatField()
    failed_per_minute = serializers.FloatField()
    success_rate = serializers.FloatField(allow_null=True)
    run_s = PercentilesSerializer()
    wait_s = PercentilesSerializer()


class QueueFiguresSerializer(FiguresSerializer):
    queue = serializers.CharField()


class NameFiguresSerializer(FiguresSerializer):
    name = serializers.CharField()


class ResolutionSerializer(serializers.Serializer):
    percentile_at_most_above = serializers.FloatField()


class RunningSerializer(serializers.Serializer):
    task_id = serializers.UUIDField()
    name = serializers.CharField()
    seconds = serializers.FloatField(allow_null=True)


class WorkerSerializer(serializers.Serializer):
    name = serializers.CharField()
    host = serializers.CharField(allow_null=True)
    pid = serializers.IntegerField(allow_null=True)
    queues = serializers.ListField(child=serializers.CharField())
    state = serializers.CharField(allow_null=True)
    last_heartbeat = serializers.DateTimeField(allow_null=True)
    running = RunningSerializer(many=True)


class StatisticsSerializer(serializers.Serializer):
    """`since`: a whole minute, of a day a whole hour.

    `workers_known`: RQ's registry could be read; without it only workers that run something are listed.
    """

    window = serializers.ChoiceField(choices=list(figures.WINDOWS))
    since = serializers.DateTimeField()
    until = serializers.DateTimeField()
    resolution = ResolutionSerializer()
    queues = QueueFiguresSerializer(many=True)
    names = NameFiguresSerializer(many=True)
    workers_known = serializers.BooleanField()
    workers = WorkerSerializer(many=True)


class Statistics(APIView):
    """Depth, waits, rates and run times by queue and by task name, and the workers with what each runs now."""

    roles = STAFF

    @extend_schema(
        tags=["tasks"],
        operation_id="tasks_statistics",
        parameters=[OpenApiParameter("window", enum=list(figures.WINDOWS), default="15m")],
        responses=StatisticsSerializer,
    )
    def get(self, request: Request) -> Response:
        refuse_unknown(request, {"window", "format"})
        window = request.query_params.get("window", "15m")
        if window not in figures.WINDOWS:
            raise ValidationError({"window": [f"One of {', '.join(figures.WINDOWS)}."]})
        workers, known = crew.workers()
        return Response({**figures.summary(window), "workers_known": known, "workers": workers})
