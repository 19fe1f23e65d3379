"""Reports over HTTP: file one, find them, read one, correct it, move it on."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import APIException, PermissionDenied, ValidationError
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from base.problems import Conflict
from base.queries import refuse_unknown
from base.roles import EVERYONE
from base.throttles import AnonThrottle, ScopedThrottle, UserThrottle
from reports import serializers as s
from reports.filing import search, services
from reports.filing.access import OPEN, RESIDENTS, Viewer, somebody, viewer_of
from reports.filing.once import KEY, answer_once
from reports.locks import lock_report
from reports.models import Category, Report

PAGED = ("cursor", "limit", "format")
TOLD = {"title", "description", "latitude", "longitude", "address"}
HANDLING = {"category", "status", "note", "note_is_public"}
NEW_REPORT = s.ReportCreateSerializer()  # kept: making its fields takes longer than checking with them
IF_MATCH = OpenApiParameter("If-Match", str, OpenApiParameter.HEADER, description="The ETag that was read.")


class Changed(APIException):
    """Somebody changed it since it was read."""

    status_code = 412
    default_detail = "The report has changed since you read it."


class Listing(ListAPIView):
    serializer_class = s.ReportSerializer
    pagination_class = search.NewestReports

    def page(self, reports: QuerySet[Report], viewer: Viewer) -> Response:
        filters = search.asked(search.ReportFilter, self.request, beside=PAGED)
        page = self.paginate_queryset(search.matching(reports, filters)) or []
        return self.get_paginated_response([s.report_body(report, viewer) for report in page])


class Reports(Listing):
    """File a report, and list them, newest first."""

    permission_classes = OPEN
    throttle_scope = "report"

    def get_throttles(self) -> list[Any]:
        kinds = [ScopedThrottle] if self.request.method == "POST" else [AnonThrottle, UserThrottle]
        return [kind() for kind in kinds]

    @extend_schema(tags=["reports"], operation_id="reports_list", parameters=[search.ReportFilter])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        viewer = viewer_of(request)
        return self.page(viewer.reports(), viewer)

    @extend_schema(
        tags=["reports"],
        operation_id="reports_create",
        parameters=[KEY],
        request=s.ReportCreateSerializer,
        responses={201: s.ReportSerializer},
    )
    def post(self, request: Request) -> HttpResponse | Response:
        """File a report. Classification, the search for duplicates, reputation and the trail follow behind."""
        refuse_unknown(request, {"format"})
        asked = NEW_REPORT.run_validation(request.data)
        user = somebody(request)

        def file() -> dict[str, Any]:
            try:
                report = services.file_report(by=user, **asked)
            except services.UnknownCategory as error:
                raise ValidationError({"category": [str(error)]}) from None
            return s.report_body(report, Viewer(user))

        return answer_once(request, "reports.file", request.data, file)


class MyReports(Listing):
    """The caller's own reports, newest first."""

    roles = RESIDENTS

    @extend_schema(tags=["reports"], operation_id="reports_mine", parameters=[search.ReportFilter])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.page(Report.objects.filter(reporter_id=request.user.pk), viewer_of(request))


class NearbyReports(APIView):
    """Reports within a circle, nearest first."""

    permission_classes = OPEN

    @extend_schema(tags=["reports"], parameters=[search.Near], responses=s.NearbySerializer)
    def get(self, request: Request) -> Response:
        near = search.asked(search.Near, request, beside=("format",))
        circle = {name: near.pop(name) for name in ("latitude", "longitude", "radius_m", "limit")}
        viewer = viewer_of(request)
        found = search.nearest(search.matching(viewer.reports(), near), **circle)
        results = [s.report_body(one, viewer) | {"distance_m": round(one.distance_m, 1)} for one in found]
        return Response({"results": results})


class Categories(APIView):
    """What a report may be about, and who deals with it."""

    permission_classes = OPEN

    @extend_schema(tags=["reports"], responses=s.CategoriesSerializer)
    def get(self, request: Request) -> Response:
        refuse_unknown(request, {"format"})
        offered = Category.objects.filter(is_active=True).select_related("department")
        results = [
            {
                "code": one.code,
                "name": one.name,
                "description": one.description,
                "department": one.department_id,
                "department_name": one.department.name,
                "resolve_hours": one.resolve_hours,
            }
            for one in offered
        ]
        return Response({"results": results})


class ReportDetail(APIView):
    """One report."""

    permission_classes = OPEN
    roles = {"PATCH": EVERYONE}

    @extend_schema(tags=["reports"], operation_id="reports_detail", responses=s.ReportDetailSerializer)
    def get(self, request: Request, report_id: int) -> Response:
        refuse_unknown(request, {"format"})
        viewer = viewer_of(request)
        return answer(viewer.find(report_id), viewer)

    @extend_schema(
        tags=["reports"],
        operation_id="reports_update",
        parameters=[IF_MATCH],
        request=s.ReportPatchSerializer,
        responses=s.ReportDetailSerializer,
    )
    def patch(self, request: Request, report_id: int) -> Response:
        """Its reporter corrects it while it is received; those who deal with it say how it goes on."""
        viewer = viewer_of(request)
        report = viewer.find(report_id)
        asked = s.ReportPatchSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        with transaction.atomic():
            report = lock_report(report_id)
            wanted = request.headers.get("If-Match")
            if wanted not in (None, "*", etag(report)):
                raise Changed
            change(report, viewer, asked.validated_data)
        return answer(viewer.find(report_id), viewer)


def change(report: Report, viewer: Viewer, asked: dict[str, Any]) -> None:
    """With the refusals as problems."""
    handles = viewer.handles(report)
    own = viewer.owns(report)
    told = {name for name in asked if name in TOLD or (name == "severity" and not handles)}
    if told and not own or asked.keys() & HANDLING and not handles:
        raise PermissionDenied("Its reporter changes what a report says, its department what becomes of it.")
    try:
        if told:
            services.correct_report(report_id=report.pk, changes={name: asked[name] for name in told})
        rest = {name: asked[name] for name in ("severity", "category") if name in asked and name not in told}
        if rest:
            services.assign_report(report_id=report.pk, by=viewer.user, **rest)
        if "status" in asked:
            note, public = asked.get("note", ""), asked.get("note_is_public", True)
            services.change_status(report=report, to=asked["status"], by=viewer.user, note=note, public=public)
    except services.UnknownCategory as error:
        raise ValidationError({"category": [str(error)]}) from None
    except (services.WrongStatus, services.NotEditable) as error:
        raise Conflict(str(error)) from None


def answer(report: Report, viewer: Viewer) -> Response:
    return Response(s.detail_body(report, viewer), headers={"ETag": etag(report)})


def etag(report: Report) -> str:
    """Of what the report says and where it is in its life; confirmations and comments do not change it."""
    return f'"{report.pk}-{report.updated_at.timestamp():.6f}"'


class ReportHistory(APIView):
    """Every step of a report, oldest first."""

    permission_classes = OPEN

    @extend_schema(tags=["reports"], responses=s.HistorySerializer)
    def get(self, request: Request, report_id: int) -> Response:
        refuse_unknown(request, {"format"})
        viewer = viewer_of(request)
        report = viewer.find(report_id)
        return Response({"results": [s.step_body(step, report, viewer) for step in report.history.all()]})
