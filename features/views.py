"""The feature store over HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, PolymorphicProxySerializer, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from base.parsers import CloudEventBatchParser, CloudEventParser, StrictJSONParser
from base.queries import refuse_unknown
from base.roles import Role
from base.throttles import ScopedThrottle
from features import cloudevents, coverage, coverage_days, services
from features import serializers as s
from features.definitions import FeatureSet, feature_sets, find_feature_set
from features.ingest import store
from features.models import FeatureSetVersion
from features.serving import Served, UnknownFeature, find_feature, point_in_time, stored
from tasks.serializers import task_links

READERS = {Role.SERVICE, Role.ANALYST, Role.OPERATOR}


class Events(APIView):
    """Take in raw events as CloudEvents: one, or an array of up to 10,000 in 5 MiB, stored in one transaction.

    Of an array the good events are stored and the others refused, each with its reasons: `verdicts` lists those
    known before and those rejected. When nothing of it can be stored the answer is 422, and 400 for a single event.
    """

    roles = {Role.SERVICE, Role.OPERATOR}
    parser_classes = [StrictJSONParser, CloudEventParser, CloudEventBatchParser]
    throttle_classes = [ScopedThrottle]
    throttle_scope = "events"
    max_body_bytes = 5 * 1_048_576
    max_items = 500_000

    @extend_schema(
        tags=["events"],
        request={
            "application/cloudevents+json": s.CloudEventSerializer,
            "application/cloudevents-batch+json": s.CloudEventSerializer(many=True),
        },
        parameters=[
            OpenApiParameter("verdicts", str, enum=["all"], description="`all`: also list the events that were added")
        ],
        responses={202: s.IngestedSerializer},
    )
    def post(self, request: Request) -> Response:
        refuse_unknown(request, {"format", "verdicts"})
        everything = request.query_params.get("verdicts")
        if everything not in (None, "all"):
            raise ValidationError({"verdicts": ["May only be `all`."]})
        batch = cloudevents.read_batch(request.data, request.headers)
        done = store(batch.rows)
        body = {
            "accepted": done.accepted,
            "added": done.added,
            "rejected": len(batch.refused),
            "task_ids": done.task_ids,
            "verdicts": batch.verdicts(done, everything=bool(everything)),
        }
        return Response(body, status=202, headers=task_links(done.task_ids[0]) if done.task_ids else None)


class Discovery(APIView):
    """Every feature there is, with its meaning."""

    roles = READERS

    @extend_schema(tags=["features"], responses=s.FeatureSerializer(many=True))
    def get(self, request: Request) -> Response:
        refuse_unknown(request, {"format"})
        rows = {(row.name, row.version): row for row in FeatureSetVersion.objects.all()}
        return Response([item for feature_set in feature_sets() for item in _described(feature_set, rows)])


def _described(feature_set: type[FeatureSet], rows: dict[tuple[str, str], FeatureSetVersion]) -> list[dict[str, Any]]:
    row = rows[feature_set.name, feature_set.version]
    return [
        {
            "feature_type": name,
            "name": name.replace("_", " ").capitalize(),
            "description": aggregate.description,
            "entity_type": feature_set.entity.key or feature_set.entity.name,
            "data_type": aggregate.data_type,
            "created_at": row.created_at,
            "feature_set": feature_set.name,
            "version": feature_set.version,
            "unit": aggregate.unit,
            "window_s": None if aggregate.over is None else int(aggregate.over.total_seconds()),
            "owner": feature_set.owner,
            "tags": list(feature_set.tags),
            "checksum": row.checksum,
        }
        for name, aggregate in feature_set.features.items()
    ]


class Inference(APIView):
    """Stored features of one entity or many, in one query."""

    roles = READERS

    @extend_schema(
        tags=["features"],
        request=s.InferenceRequestSerializer,
        responses=PolymorphicProxySerializer(
            component_name="Inferred",
            serializers=[s.InferenceSerializer, s.SetInferenceSerializer],
            resource_type_field_name=None,
        ),
    )
    def post(self, request: Request) -> Response:
        asked = s.InferenceRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        data = asked.validated_data
        if "feature_type" in data:
            return Response(_one(data["feature_type"], data["entity_id"], data.get("max_age_s")))
        feature_set = find_feature_set(data["feature_set"], data.get("feature_version"))
        if feature_set is None:
            raise ValidationError({"feature_set": ["No such feature set and version."]})
        found = _served(feature_set, data["entity_ids"], data.get("max_age_s"))
        return Response(
            {
                "feature_set": feature_set.name,
                "feature_version": feature_set.version,
                "results": [_entity(entity_id, found.get(entity_id)) for entity_id in data["entity_ids"]],
            }
        )


def _one(feature_type: str, entity_id: str, max_age_s: int | None) -> dict[str, Any]:
    try:
        feature_set, name = find_feature(feature_type)
    except UnknownFeature as error:
        raise ValidationError({"feature_type": [str(error)]}) from None
    row = _served(feature_set, [entity_id], max_age_s).get(entity_id)
    answer: dict[str, Any] = {"feature_type": feature_type, "entity_id": entity_id}
    if row is None:
        missing = {"feature_value": None, "computed_at": None, "as_of": None, "success": False}
        return answer | missing | {"error": "No features are stored for this entity."}
    return answer | {
        "feature_value": row.values()[name],
        "computed_at": row.computed_at,
        "as_of": row.as_of,
        "success": True,
    }


def _served(feature_set: type[FeatureSet], entity_ids: list[str], max_age_s: int | None) -> dict[str, Served]:
    """Stored values; those missing or older than `max_age_s` seconds are computed now, where there are events."""
    found = stored(feature_set, entity_ids)
    if max_age_s is None:
        return found
    now = timezone.now()
    oldest = now - timedelta(seconds=max_age_s)
    renew = [e for e in dict.fromkeys(entity_ids) if e not in found or found[e].as_of <= oldest]
    computed = point_in_time(feature_set, [(entity_id, now) for entity_id in renew]) if renew else []
    return found | {row.entity_id: row for row in computed if row.source_rows}


def _entity(entity_id: str, row: Served | None) -> dict[str, Any]:
    if row is None:
        empty = {"features": None, "as_of": None, "computed_at": None, "source_rows": None, "success": False}
        return {"entity_id": entity_id} | empty
    return {
        "entity_id": entity_id,
        "features": orjson.Fragment(row.vals),
        "as_of": row.as_of,
        "computed_at": row.computed_at,
        "source_rows": row.source_rows,
        "success": True,
    }


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
