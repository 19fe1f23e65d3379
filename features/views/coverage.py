"""Who has features, and batches for those who have none, over HTTP."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from base.queries import refuse_unknown
from base.roles import Role
from features import serializers as s
from features import services
from features.language.extractions import FEATURES, chosen
from features.values import coverage, coverage_days
from tasks.serializers import task_links


class Stats(APIView):
    """Coverage: how many entities with raw data have features, by feature set, and with `?days=30` by day too.

    Beside it what domains extract from raw data of their own: their counts under their own names. `?of=` one of these
    gives its counts alone, with its own `coverage_percent`; without it that is the entities'.
    """

    roles = {Role.OPERATOR, Role.ANALYST}

    @extend_schema(
        tags=["features"],
        parameters=[
            OpenApiParameter("days", int, description="also coverage of so many days, 1–400"),
            OpenApiParameter("of", str, description="one extraction alone: `features`, or a domain's"),
        ],
        responses=s.StatsSerializer,
    )
    def get(self, request: Request) -> Response:
        refuse_unknown(request, {"format", "days", "of"})
        number = request.query_params.get("days")
        if number is not None and not (number.isascii() and number.isdigit() and 1 <= int(number[:9]) <= 400):
            raise ValidationError({"days": ["A whole number from 1 to 400."]})
        with_features, others = chosen(of := _extraction(request))
        counted = {name: each.counts() for name, each in others.items()}
        if not with_features:
            return Response(counted[of])
        merged = {key: value for counts in counted.values() for key, value in counts.items()}
        days = {"days": coverage_days.days(int(number))} if number else {}
        return Response(merged | _entities() | {"extractions": counted} | days)


def _extraction(request: Request) -> str:
    of = request.query_params.get("of", "")
    try:
        s.check_extraction(of)
    except ValidationError as error:
        raise ValidationError({"of": error.detail}) from None
    return of


def _entities() -> dict[str, Any]:
    rows = coverage.coverage()
    total = sum(row.total for row in rows)
    covered = sum(row.with_features for row in rows)
    return {
        "total_entities": total,
        "entities_with_features": covered,
        "entities_without_features": total - covered,
        **coverage.totals(),
        "coverage_percent": round(100 * covered / total, 2) if total else 100.0,
        "feature_sets": [row.as_dict() for row in rows],
    }


class BatchExtract(APIView):
    """Start a batch extraction for entities without features, and for raw data that domains have not extracted."""

    roles = {Role.OPERATOR}

    @extend_schema(tags=["features"], request=s.BatchRequestSerializer, responses={202: s.StartedSerializer})
    def post(self, request: Request) -> Response:
        asked = s.BatchRequestSerializer(data=request.data or {})
        asked.is_valid(raise_exception=True)
        sizes = dict(asked.validated_data)
        with_features, others = chosen(of := sizes.pop("of"))
        with transaction.atomic():
            tasks: dict[str, str | None] = {}
            if with_features:
                tasks[FEATURES] = services.request_batch_extraction(**sizes)
            tasks |= {name: each.request_batch(**sizes) for name, each in others.items()}
        what = "feature extraction" if with_features else f"extraction of {of}"
        return started(tasks, f"Batch {what} started")


def started(tasks: dict[str, str | None], message: str, **more: Any) -> Response:
    """202 with the first of these tasks, and all by extraction where there are several."""
    task_id = next(iter(tasks.values()))
    every = {"tasks": tasks} if len(tasks) > 1 else {}
    body = {"task_id": task_id, **more, "message": message, "status": "queued", **every}
    return Response(body, 202, headers=task_links(task_id) if task_id else None)
