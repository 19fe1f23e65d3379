"""Recordings over HTTP: sessions, and the measurements they are made of."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from base.pagination import NewestFirst
from base.problems import Conflict
from base.queries import refuse_unknown
from base.throttles import ScopedThrottle, UserThrottle
from recordings.access import READERS, REMOVERS, SENDERS, find_measurement, find_session, sessions_of
from recordings.intake import serializers as s
from recordings.intake import services
from recordings.intake.uploads import SENT, RecordingParser, receiving, refusing
from recordings.models import Measurement, MeasurementFeatures, RecordingSession
from tasks.serializers import task_links

SHOWN = 100  # measurements of a session's own page


def counted(sessions: QuerySet[RecordingSession]) -> QuerySet[RecordingSession]:
    """With how many measurements each has, and how many of them have features."""

    def count(rows: QuerySet[Any], session: str) -> Coalesce:
        mine = rows.filter(**{session: OuterRef("pk")}).order_by().values(session)
        return Coalesce(Subquery(mine.annotate(count=Count("pk")).values("count"), output_field=IntegerField()), 0)

    return sessions.annotate(
        total_measurements=count(Measurement.objects.all(), "session"),
        measurements_with_features=count(
            MeasurementFeatures.objects.filter(numbers__isnull=False), "recording_session"
        ),
    )


def with_features(measurements: QuerySet[Measurement]) -> QuerySet[Measurement]:
    return measurements.select_related("features")


class Throttled(APIView):
    """Writes count against the scope `recording`."""

    throttle_scope = "recording"

    def get_throttles(self) -> list[Any]:
        return [UserThrottle() if self.request.method in ("GET", "HEAD", "OPTIONS") else ScopedThrottle()]


class Sessions(Throttled, ListAPIView):
    """Begin a session of recording, and list those one may see, newest first."""

    roles = {"GET": READERS, "POST": SENDERS}
    serializer_class = s.RecordingSessionSerializer
    pagination_class = NewestFirst

    @extend_schema(tags=["recordings"], operation_id="recordings_sessions_list", parameters=[s.RecordingSessionFilter])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[RecordingSession]:
        params = self.request.query_params
        refuse_unknown(self.request, {*s.RecordingSessionFilter().fields, "cursor", "limit", "format"})
        asked = s.RecordingSessionFilter(
            data={key: params[key] for key in params if key not in ("cursor", "limit", "format")}
        )
        asked.is_valid(raise_exception=True)
        filters = dict(asked.validated_data)
        for name, lookup in (("from", "created_at__gte"), ("to", "created_at__lt")):
            if name in filters:
                filters[lookup] = filters.pop(name)
        return counted(sessions_of(self.request.user).filter(**filters))

    @extend_schema(
        tags=["recordings"],
        operation_id="recordings_sessions_create",
        request=s.RecordingSessionCreateSerializer,
        responses={201: s.RecordingSessionSerializer},
    )
    def post(self, request: Request) -> Response:
        """Measurements are added to it until it is completed."""
        refuse_unknown(request, {"format"})
        asked = s.RecordingSessionCreateSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        session = services.create_session(by=request.user, **asked.validated_data)
        where = reverse("recording-session", args=[session.pk])
        return Response(session_body(session.pk), status=201, headers={"Location": where})


class Session(Throttled):
    """One session, with its newest measurements."""

    roles = {"GET": READERS, "DELETE": REMOVERS}

    @extend_schema(
        tags=["recordings"], operation_id="recordings_sessions_detail", responses=s.RecordingSessionDetailSerializer
    )
    def get(self, request: Request, session_id: UUID) -> Response:
        refuse_unknown(request, {"format"})
        find_session(request.user, session_id)
        newest = with_features(Measurement.objects.filter(session_id=session_id))[:SHOWN]
        measurements = s.MeasurementSerializer(newest, many=True).data
        return Response(session_body(session_id) | {"measurements": measurements})

    @extend_schema(tags=["recordings"], responses={204: None})
    def delete(self, request: Request, session_id: UUID) -> Response:
        """With all its measurements and what was measured. Files that were registered stay where they are."""
        find_session(request.user, session_id)
        services.delete_session(session_id=session_id)
        return Response(status=204)


class EndSession(Throttled):
    """Nothing more will come to this session."""

    roles = SENDERS

    @extend_schema(
        tags=["recordings"],
        request=s.RecordingSessionEndSerializer,
        responses={202: s.RecordingSessionEndedSerializer, 200: s.RecordingSessionEndedSerializer},
    )
    def post(self, request: Request, session_id: UUID) -> Response:
        """Completed sessions are extracted, by the task that is named; a failed one is kept and is not (200)."""
        refuse_unknown(request, {"format"})
        asked = s.RecordingSessionEndSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        find_session(request.user, session_id)
        try:
            _, task_id = services.end_session(session_id=session_id, **asked.validated_data)
        except services.NotRecording as error:
            raise Conflict(str(error)) from None
        body = session_body(session_id) | {"task_id": task_id}
        return Response(body, 202, headers=task_links(task_id)) if task_id else Response(body)


class Measurements(Throttled, ListAPIView):
    """Send a recording into a session, and list those of the session, newest first."""

    roles = {"GET": READERS, "POST": SENDERS}
    serializer_class = s.MeasurementSerializer
    pagination_class = NewestFirst
    parser_classes = [RecordingParser]

    @extend_schema(tags=["recordings"], operation_id="recordings_measurements_list")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        refuse_unknown(request, {"cursor", "limit", "format"})
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Measurement]:
        session = find_session(self.request.user, self.kwargs["session_id"])
        return with_features(Measurement.objects.filter(session=session))

    @extend_schema(
        tags=["recordings"],
        operation_id="recordings_measurements_create",
        request=SENT,
        responses={201: s.MeasurementDetailSerializer},
    )
    def post(self, request: Request, session_id: UUID) -> Response:
        """A `.sigmf-meta` and its `.sigmf-data`, or both in a `.sigmf` archive; checked while they come."""
        refuse_unknown(request, {"format"})
        session = find_session(request.user, session_id)
        if session.status != RecordingSession.Status.RECORDING:  # before gigabytes come; asked again when they have
            raise Conflict(f"The session is {session.status}; it takes nothing more.")
        with receiving(request) as (incoming, fields, file_name):
            asked = s.UploadFieldsSerializer(data={"name": file_name} | fields)
            asked.is_valid(raise_exception=True)
            try:
                with refusing():
                    added = services.take_in(incoming=incoming, session_id=session_id, **asked.validated_data)
            except (services.NotRecording, services.NameTaken) as error:
                raise Conflict(str(error)) from None
            except RecordingSession.DoesNotExist:
                raise Conflict("The session was deleted meanwhile.") from None
        where = reverse("recording-measurement", args=[added.pk])
        return Response(s.MeasurementDetailSerializer(added).data, status=201, headers={"Location": where})


class OneMeasurement(Throttled):
    """One measurement, with its metadata and what was measured."""

    roles = {"GET": READERS, "DELETE": REMOVERS}

    @extend_schema(tags=["recordings"], responses=s.MeasurementDetailSerializer)
    def get(self, request: Request, measurement_id: UUID) -> Response:
        refuse_unknown(request, {"format"})
        measurement = find_measurement(request.user, measurement_id)
        return Response(s.MeasurementDetailSerializer(measurement).data)

    @extend_schema(tags=["recordings"], responses={204: None})
    def delete(self, request: Request, measurement_id: UUID) -> Response:
        """With what was measured. A file that was registered stays where it is."""
        find_measurement(request.user, measurement_id)
        services.delete_measurement(measurement_id=measurement_id)
        return Response(status=204)


def session_body(session_id: UUID) -> dict[str, Any]:
    return dict(s.RecordingSessionSerializer(counted(RecordingSession.objects.all()).get(pk=session_id)).data)
