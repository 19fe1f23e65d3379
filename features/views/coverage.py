"""Who has features, and batches for those who have none, over HTTP."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from base.queries import refuse_unknown
from base.roles import Role
from features import serializers as s
from features import services
from features.values import coverage, coverage_days
from tasks.serializers import task_links


class Stats(APIView):
    """Coverage: how many entities with raw data have features, by feature set, and with `?days=30` by day too."""

    roles = {Role.OPERATOR, Role.ANALYST}

    @extend_schema(
        tags=["features"],
        parameters=[OpenApiParameter("days", int, description="also coverage of so many days, 1–400")],
        responses=s.StatsSerializer,
    )
    def get(self, request: Request) -> Response:
        refuse_unknown(request, {"format", "days"})
        number = request.query_params.get("days")
        if number is not None and not (number.isascii() and number.isdigit() and 1 <= int(number[:9]) <= 400):
            raise ValidationError({"days": ["A whole number from 1 to 400."]})
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
                **({"days": coverage_days.days(int(number))} if number else {}),
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


def _started(task_id: str, message: str) -> Response:
    return Response({"task_id": task_id, "message": message, "status": "queued"}, 202, headers=task_links(task_id))
