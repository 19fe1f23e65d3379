"""The quality of features over HTTP: figures, history, alerts, references."""

from __future__ import annotations

from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from base.pagination import NewestFirst
from base.problems import Conflict
from base.queries import refuse_unknown
from base.roles import Role
from features import services
from features.catalogue import serving_set
from features.definitions import FeatureSet, find_feature_set
from features.models import FeatureSetVersion
from features.quality import serializers as s
from features.quality.alerts import AlreadyHandled, described
from features.quality.models import LEVELS, QualityAlert, QualitySnapshot
from features.quality.references import NothingToTake
from features.serializers import StartedSerializer
from tasks.serializers import RequiredReasonSerializer, task_links

LOOKERS, OPERATORS = {Role.ANALYST, Role.OPERATOR}, {Role.OPERATOR}
OWN = {"feature_set", "version", "sampled"}  # what a snapshot has under other names
PLAIN = [str(name) for name in s.QualitySerializer().fields if name not in OWN]
SET = OpenApiParameter("feature_set", str, description="name or name@version")


def found_set(label: str) -> type[FeatureSet]:
    """The set that `name` (its newest live version) or `name@version` means. Raises NotFound."""
    name, _, version = label.partition("@")
    feature_set = serving_set(name, version or None)
    if feature_set is None:
        raise NotFound(f"There is no feature set {label[:150]}.")
    return feature_set


def row_of(feature_set: type[FeatureSet]) -> FeatureSetVersion:
    return FeatureSetVersion.objects.get(name=feature_set.name, version=feature_set.version)


def newest(rows: QuerySet[FeatureSetVersion]) -> QuerySet[QualitySnapshot]:
    """The newest snapshot of every feature of these sets."""
    last = QualitySnapshot.objects.filter(feature_set=OuterRef("pk")).order_by("-taken_at")
    times = rows.annotate(at=Subquery(last.values("taken_at")[:1])).filter(at__isnull=False)
    found = QualitySnapshot.objects.none()
    for row in times:
        found = found | QualitySnapshot.objects.filter(feature_set=row, taken_at=row.at)
    return found.select_related("feature_set").order_by("feature_set__name", "feature_set__version", "id")


def figures(snapshot: QualitySnapshot) -> dict[str, Any]:
    return {name: getattr(snapshot, name) for name in PLAIN} | {
        "feature_set": snapshot.feature_set.name,
        "version": snapshot.feature_set.version,
        "sampled": snapshot.n < snapshot.entities,
    }


class NewestSnapshots(NewestFirst):
    ordering = ("-taken_at", "-id")


class NewestAlerts(NewestFirst):
    ordering = ("-opened_at", "-id")


class Quality(APIView):
    """The newest figures of every feature, held against its reference."""

    roles = LOOKERS

    @extend_schema(
        tags=["feature quality"],
        parameters=[SET, OpenApiParameter("level", str, enum=[word for word, _ in LEVELS])],
        responses=s.QualitySerializer(many=True),
        operation_id="features_quality",
    )
    def get(self, request: Request) -> Response:
        refuse_unknown(request, {"format", "feature_set", "level"})
        rows = FeatureSetVersion.objects.all()
        if label := request.query_params.get("feature_set"):
            rows = rows.filter(pk=row_of(found_set(label)).pk)
        snapshots = newest(rows)
        if level := request.query_params.get("level"):
            if level not in dict(LEVELS):
                raise ValidationError({"level": [f"One of {', '.join(dict(LEVELS))}."]})
            snapshots = snapshots.filter(level=level)
        return Response([figures(snapshot) for snapshot in snapshots])


class History(APIView):
    """One feature's snapshots, newest first. `name` alone means the newest live version."""

    roles = LOOKERS
    pagination_class = NewestSnapshots

    @extend_schema(
        tags=["feature quality"],
        parameters=[OpenApiParameter("limit", int), OpenApiParameter("cursor", str)],
        responses=s.QualitySerializer(many=True),
        operation_id="features_quality_history",
    )
    def get(self, request: Request, feature_set: str, feature: str) -> Response:
        refuse_unknown(request, {"format", "cursor", "limit"})
        declared = found_set(feature_set)
        if feature not in declared.features:
            raise NotFound("The set has no such feature.")
        pages = self.pagination_class()
        rows = QualitySnapshot.objects.filter(feature_set=row_of(declared), feature=feature)
        page = pages.paginate_queryset(rows.select_related("feature_set"), request, view=self)
        return pages.get_paginated_response([figures(row) for row in page or []])


class Snapshot(APIView):
    """Measure now, all sets or one; a measurement of the same that waits or runs is joined."""

    roles = OPERATORS

    @extend_schema(tags=["feature quality"], request=s.SnapshotRequestSerializer, responses={202: StartedSerializer})
    def post(self, request: Request) -> Response:
        asked = s.SnapshotRequestSerializer(data=request.data or {})
        asked.is_valid(raise_exception=True)
        label = asked.validated_data["feature_set"]
        if label and find_feature_set(*label.partition("@")[::2]) is None:
            raise ValidationError({"feature_set": [f"There is no feature set {label}; write name@version."]})
        task_id = services.request_snapshot(**asked.validated_data)
        body = {"task_id": task_id, "message": "The quality of features is measured", "status": "queued"}
        return Response(body, 202, headers=task_links(task_id))


class Reference(APIView):
    """Take the snapshots of a period as what this set is held against."""

    roles = OPERATORS

    @extend_schema(tags=["feature quality"], request=s.PeriodSerializer, responses=s.TakenSerializer)
    def post(self, request: Request, feature_set: str) -> Response:
        row = row_of(found_set(feature_set))
        asked = s.PeriodSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        try:
            taken = services.take_reference(row=row, **asked.validated_data)
        except NothingToTake as error:
            raise Conflict(str(error)) from None
        return Response({"features": taken})


class Alerts(APIView):
    """What is or was wrong, newest first."""

    roles = LOOKERS
    pagination_class = NewestAlerts

    @extend_schema(
        tags=["feature quality"],
        parameters=[
            SET,
            OpenApiParameter("kind", str, enum=QualityAlert.Kind.values),
            OpenApiParameter("state", str, enum=["open", "closed"]),
            OpenApiParameter("limit", int),
            OpenApiParameter("cursor", str),
        ],
        responses=s.AlertSerializer(many=True),
        operation_id="features_quality_alerts",
    )
    def get(self, request: Request) -> Response:
        refuse_unknown(request, {"format", "cursor", "limit", "feature_set", "kind", "state"})
        asked, rows = request.query_params, QualityAlert.objects.select_related("feature_set")
        if label := asked.get("feature_set"):
            rows = rows.filter(feature_set=row_of(found_set(label)))
        if kind := asked.get("kind"):
            if kind not in QualityAlert.Kind.values:
                raise ValidationError({"kind": [f"One of {', '.join(QualityAlert.Kind.values)}."]})
            rows = rows.filter(kind=kind)
        if state := asked.get("state"):
            if state not in ("open", "closed"):
                raise ValidationError({"state": ["One of open, closed."]})
            rows = rows.filter(closed_at__isnull=state == "open")
        pages = self.pagination_class()
        page = pages.paginate_queryset(rows, request, view=self)
        return pages.get_paginated_response([described(row) for row in page or []])


class Acknowledge(APIView):
    """Say that an alert was seen and why it may stay; it still closes by itself."""

    roles = OPERATORS

    @extend_schema(tags=["feature quality"], request=RequiredReasonSerializer, responses=s.AlertSerializer)
    def post(self, request: Request, alert_id: str) -> Response:
        asked = RequiredReasonSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        if not alert_id.isascii() or not alert_id.isdigit() or len(alert_id) > 18:
            raise NotFound
        try:
            alert = services.acknowledge_alert(alert_id=int(alert_id), **asked.validated_data)
        except QualityAlert.DoesNotExist:
            raise NotFound from None
        except AlreadyHandled as error:
            raise Conflict(str(error)) from None
        return Response(described(alert))
