"""Feature sets and the origin of their values over HTTP."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import orjson
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from base.queries import refuse_unknown
from base.roles import Role
from features import services
from features.definitions import feature_sets, find_feature_set
from features.lineage import serializers as s
from features.lineage.columns import columns_of
from features.lineage.trace import Lineage, SourceRow
from features.serving.stored import Served, UnknownFeature, find_feature
from tasks.models import Task


class FeatureSets(APIView):
    """Every feature set with its owner, checksum, coverage, freshness, and who uses it."""

    roles = {Role.SERVICE, Role.ANALYST, Role.OPERATOR, Role.AUDITOR}

    @extend_schema(tags=["features"], responses=s.FeatureSetSerializer(many=True))
    def get(self, request: Request) -> Response:
        refuse_unknown(request, {"format"})
        return Response(services.described(*feature_sets()))


class FeatureSetDetail(APIView):
    """One feature set, `name@version`, with its definition and the columns that each feature reads."""

    roles = {Role.SERVICE, Role.ANALYST, Role.OPERATOR, Role.AUDITOR}

    @extend_schema(tags=["features"], responses=s.FeatureSetDetailSerializer)
    def get(self, request: Request, label: str) -> Response:
        refuse_unknown(request, {"format"})
        name, _, version = label.partition("@")
        feature_set = find_feature_set(name, version)
        if feature_set is None:
            raise NotFound("No feature set has this name and version; write name@version.")
        return Response(services.described_whole(feature_set))


class ValueLineage(APIView):
    """Where a stored value comes from: its definition, the rows it saw, whether they give it again, and its task.

    Without `as_of` the latest value; with it, the newest value as of that time or before. `known_at` leaves out what
    was computed later, and so finds a value that was served before it was corrected.
    """

    roles = {Role.ANALYST, Role.OPERATOR, Role.AUDITOR}

    @extend_schema(
        tags=["features"],
        parameters=[
            OpenApiParameter("feature", str, required=True, description="set@version:feature"),
            OpenApiParameter("entity_id", str, required=True),
            OpenApiParameter("as_of", str, description="ISO 8601 with zone"),
            OpenApiParameter("known_at", str, description="ISO 8601 with zone"),
            OpenApiParameter("offset", int, description="how many of the rows seen to pass over"),
        ],
        responses=s.LineageSerializer,
    )
    def get(self, request: Request) -> Response:
        refuse_unknown(request, {"format", *s.LineageQuerySerializer().fields})
        asked = s.LineageQuerySerializer(data={k: v for k, v in request.query_params.items() if k != "format"})
        asked.is_valid(raise_exception=True)
        found = dict(asked.validated_data)
        try:
            feature_set, name = find_feature(found.pop("feature"))
        except UnknownFeature as error:
            raise ValidationError({"feature": [str(error)]}) from None
        try:
            return Response(_told(services.lineage(feature_set, **found), name))
        except services.NothingStored as error:
            raise NotFound(str(error)) from None


def _told(found: Lineage, name: str) -> dict[str, Any]:
    feature_set = found.feature_set
    return {
        "feature_set": feature_set.name,
        "feature_version": feature_set.version,
        "feature_type": name,
        "entity_type": feature_set.entity.key or feature_set.entity.name,
        "entity_id": found.stored.entity_id,
        "feature_value": found.stored.values().get(name),
        "value": _value(found.stored),
        "definition": {
            "checksum": feature_set.checksum(),
            "feature": feature_set.definition()["features"][name],
            "columns": [asdict(column) for column in columns_of(feature_set, name)],
        },
        "source_rows": _plain(found.seen) | {"rows": [_row(row) for row in found.seen.rows]},
        "late_rows": {"count": found.late.count, "rows": [_row(row) for row in found.late.rows]},
        "reproduces": found.reproduction.reproduces,
        "differs": orjson.Fragment(found.reproduction.differs),
        "error": found.reproduction.error,
        "corrected": _value(found.corrected) if found.corrected else None,
        "task": _task(found.task) if found.task else None,
    }


def _value(stored: Served) -> dict[str, Any]:
    return _plain(stored) | {"vals": orjson.Fragment(stored.vals)}


def _row(row: SourceRow) -> dict[str, Any]:
    return _plain(row) | {"payload": orjson.Fragment(row.payload)}


def _plain(row: Any) -> dict[str, Any]:
    """A row's own fields: `asdict` would copy the rows within, too."""
    return {name: getattr(row, name) for name in row.__dataclass_fields__}


def _task(task: Task) -> dict[str, Any]:
    names = ("id", "name", "status", "created_at", "started_at", "completed_at")
    tried = ("number", "worker", "started_at", "ended_at", "outcome", "error_type")
    attempts = [{name: getattr(attempt, name) for name in tried} for attempt in task.attempts.all()]
    return {name: getattr(task, name) for name in names} | {"attempts": attempts}
