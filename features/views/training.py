"""Training over HTTP: values as of many moments, and the document's extraction."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from base.problems import Unprocessable
from base.roles import Role
from features.backfill.views import first_task, started
from features.definitions import FeatureSet, feature_sets
from features.serving.stored import UnknownFeature, find_feature
from features.training import serializers as s
from features.training.asked import labels, wanted
from features.training.points import Look, Point, look
from features.values import extraction
from tasks.serializers import task_links

TRAINERS = {Role.ANALYST, Role.OPERATOR}
MAX_ROWS = 10_000
TOO_MANY = "At most {0:,} rows are answered at once; ask for a dataset (POST /api/v1/features/datasets) instead."
NOTHING = "Nothing had happened to this entity by then."


class Training(APIView):
    """Features as of past moments: single values, each with its own success, or rows of entities and times."""

    roles = TRAINERS
    max_body_bytes = 4 * 1_048_576
    max_items = 200_000

    @extend_schema(
        tags=["training"],
        request=PolymorphicProxySerializer(
            component_name="TrainingRequest",
            serializers=[s.FeaturesTrainingSerializer, s.RowsTrainingSerializer],
            resource_type_field_name=None,
        ),
        responses=PolymorphicProxySerializer(
            component_name="TrainingAnswer",
            serializers=[s.TrainingValuesSerializer, s.TrainingRowsSerializer],
            resource_type_field_name=None,
        ),
    )
    def post(self, request: Request) -> Response:
        rows = isinstance(request.data, dict) and "entity_rows" in request.data
        items = request.data.get("entity_rows" if rows else "features") if isinstance(request.data, dict) else None
        if isinstance(items, list) and len(items) > MAX_ROWS:
            raise Unprocessable(TOO_MANY.format(MAX_ROWS))
        asked = (s.RowsTrainingSerializer if rows else s.FeaturesTrainingSerializer)(data=request.data)
        asked.is_valid(raise_exception=True)
        return Response(_rows(asked.validated_data) if rows else _values(asked.validated_data["features"]))


def _values(items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The document's shape. Items of one set are computed together."""
    now = timezone.now()
    found: list[dict[str, Any]] = []
    points: dict[type[FeatureSet], list[tuple[int, str, Point]]] = {}
    resolved: dict[str, tuple[type[FeatureSet], str] | str] = {}
    for place, item in enumerate(items):
        name, as_of = item["feature_type"], item.get("timestamp", now)
        found.append({"feature_type": name, "entity_id": item["entity_id"], "feature_value": None,
                      "computed_at": None, "success": False, "as_of": as_of})  # fmt: skip
        if name not in resolved:
            resolved[name] = _found(name)
        if isinstance(known := resolved[name], str):
            found[place]["error"] = known
        else:
            points.setdefault(known[0], []).append((place, known[1], (item["entity_id"], as_of)))
    for feature_set, asked in points.items():
        looks = look(feature_set, [point for _, _, point in asked])
        values = {point: one.served.values() for point, one in looks.items() if one.served}
        for place, feature, point in asked:
            found[place] |= _value(looks[point], values.get(point, {}).get(feature))
    successful = sum(item["success"] for item in found)
    return {"results": found, "total_requested": len(found), "total_successful": successful}


def _found(name: str) -> tuple[type[FeatureSet], str] | str:
    """The feature, or why there is none."""
    try:
        return find_feature(name)
    except UnknownFeature as error:
        return str(error)


def _value(one: Look, value: Any) -> dict[str, Any]:
    if one.served is None:
        return {"error": one.error}
    if not one.served.source_rows:
        return {"error": NOTHING}
    return {"feature_value": value, "computed_at": one.served.computed_at, "success": True}


def _rows(data: Mapping[str, Any]) -> dict[str, Any]:
    """A row for each one asked for, in the same order."""
    asked = wanted(data["features"])
    points: list[Point] = data["entity_rows"]
    known_at: datetime | None = data.get("known_at")
    rows: dict[Point, dict[str, Any]] = {point: {} for point in points}
    errors: dict[Point, str] = {}
    for feature_set, names in asked.items():
        for point, one in look(feature_set, points, known_at=known_at).items():
            if one.served is None:
                errors[point] = one.error
                continue
            values = one.served.values()
            rows[point].update((f"{feature_set.label()}:{name}", values[name]) for name in names)
    shown = [_row(point, rows[point], errors.get(point)) for point in points]
    return {
        "features": labels(asked),
        "known_at": known_at,
        "rows": shown,
        "total_requested": len(shown),
        "total_successful": sum(row["success"] for row in shown),
    }


def _row(point: Point, values: dict[str, Any], error: str | None) -> dict[str, Any]:
    row = {"entity_id": point[0], "timestamp": point[1]}
    if error is not None:
        return row | {"features": None, "success": False, "error": error}
    return row | {"features": values, "success": True}


class Extract(APIView):
    """Extract what waits, now. What a few seconds do not suffice for goes on behind, as the task in `Location`.

    The document answers when all is done. A request that waits for a whole backfill would hold a web process and
    end in a timeout, so it does as many batches as fit in its time. It takes neither a body nor parameters.
    """

    roles = {Role.OPERATOR}
    batch_size, seconds = 500, 3.0

    @extend_schema(tags=["training"], request=None, responses=s.ExtractedSerializer)
    def post(self, request: Request) -> Response:
        if request.data:
            raise ValidationError("This request takes no body: it extracts all that waits.")
        until = time.monotonic() + self.seconds
        entities: Counter[str] = Counter()
        left = False
        for entity_type in extraction.entity_types():
            for done in extraction.extract(entity_type, batch_size=self.batch_size, max_batches=1_000_000):
                entities[entity_type] += done.entities
                if left := time.monotonic() > until:
                    break
            if left:
                break
        body = _extracted(entities)
        if not left:
            return Response({"message": "Feature extraction completed successfully", **body})
        task_id = first_task(started({"reason": "the rest of an extraction over HTTP"}))
        message = "Feature extraction goes on in the background"
        return Response(
            {"message": message, **body, "task_id": task_id}, headers=task_links(task_id) if task_id else None
        )


def _extracted(entities: Mapping[str, int]) -> dict[str, Any]:
    """How many values of each feature were stored, under its name, or `set:name` where several sets have it."""
    named = Counter(name for feature_set in feature_sets() for name in feature_set.features)
    counts: Counter[str] = Counter()
    for feature_set in feature_sets():
        for name in feature_set.features:
            counts[name if named[name] == 1 else f"{feature_set.name}:{name}"] += entities[feature_set.entity.name]
    found = {name: count for name, count in counts.items() if count}
    return {"features_extracted": found, "total_features": sum(found.values())}
