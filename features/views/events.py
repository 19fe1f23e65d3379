"""Events in, and what is computed behind them, over HTTP."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from base.parsers import CloudEventBatchParser, CloudEventParser, StrictJSONParser
from base.queries import refuse_unknown
from base.roles import Role
from base.throttles import ScopedThrottle
from features import cloudevents, coverage, services
from features import serializers as s
from tasks.serializers import task_links


class Events(APIView):
    """Take in raw events as CloudEvents: one, or an array. All of a request are stored, or none."""

    roles = {Role.SERVICE, Role.OPERATOR}
    parser_classes = [StrictJSONParser, CloudEventParser, CloudEventBatchParser]
    throttle_classes = [ScopedThrottle]
    throttle_scope = "events"
    max_body_bytes = 5 * 1_048_576
    max_items = 200_000

    @extend_schema(
        tags=["events"],
        request={
            "application/cloudevents+json": s.CloudEventSerializer,
            "application/cloudevents-batch+json": s.CloudEventSerializer(many=True),
        },
        responses={202: s.IngestedSerializer},
    )
    def post(self, request: Request) -> Response:
        done = services.ingest(cloudevents.events_of(request.data, request.headers))
        headers = task_links(done.task_ids[0]) if done.task_ids else None
        body = {"accepted": done.accepted, "added": done.added, "task_ids": done.task_ids}
        return Response(body, status=202, headers=headers)


class Stats(APIView):
    """Coverage: how many entities with raw data have features, by feature set."""

    roles = {Role.OPERATOR, Role.ANALYST}

    @extend_schema(tags=["features"], responses=s.StatsSerializer)
    def get(self, request: Request) -> Response:
        refuse_unknown(request, {"format"})
        rows = coverage.coverage()
        total = sum(row.total for row in rows)
        covered = sum(row.with_features for row in rows)
        return Response(
            {
                "total_entities": total,
                "entities_with_features": covered,
                "entities_without_features": total - covered,
                **coverage.totals(),
                "coverage_percent": round(100 * covered / total, 2) if total else 100.0,
                "feature_sets": [row.as_dict() for row in rows],
            }
        )


class BatchExtract(APIView):
    """Start a batch extraction for entities without features."""

    roles = {Role.OPERATOR}

    @extend_schema(tags=["features"], request=s.BatchRequestSerializer, responses={202: s.StartedSerializer})
    def post(self, request: Request) -> Response:
        asked = s.BatchRequestSerializer(data=request.data or {})
        asked.is_valid(raise_exception=True)
        task_id = services.request_batch_extraction(**asked.validated_data)
        return _started(task_id, "Batch feature extraction started")


class BackfillAll(APIView):
    """Start a backfill of everything that waits; a live one is joined, not doubled."""

    roles = {Role.OPERATOR}

    @extend_schema(tags=["features"], request=s.BackfillRequestSerializer, responses={202: s.StartedSerializer})
    def post(self, request: Request) -> Response:
        asked = s.BackfillRequestSerializer(data=request.data or {})
        asked.is_valid(raise_exception=True)
        task_id = services.request_backfill(**asked.validated_data)
        return _started(task_id, "Backfill of all features started")


def _started(task_id: str, message: str) -> Response:
    return Response({"task_id": task_id, "message": message, "status": "queued"}, 202, headers=task_links(task_id))
