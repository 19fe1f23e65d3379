"""Confirmations and comments over HTTP."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.http import Http404, HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from base.pagination import NewestFirst
from base.problems import Conflict
from base.queries import refuse_unknown
from base.roles import EVERYONE
from base.throttles import AnonThrottle, ScopedThrottle, UserThrottle
from reports import serializers as s
from reports.filing import voices
from reports.filing.access import OPEN, RESIDENTS, viewer_of
from reports.filing.once import KEY, answer_once
from reports.models import Comment


class ReportConfirmation(APIView):
    """Say that one has the same problem, or take that back; once or many times is the same."""

    roles = RESIDENTS
    throttle_classes = [ScopedThrottle]
    throttle_scope = "report"

    @extend_schema(tags=["reports"], request=None, responses=s.ConfirmedSerializer, parameters=[KEY])
    def post(self, request: Request, report_id: int) -> HttpResponse | Response:
        refuse_unknown(request, {"format"})
        viewer_of(request).find(report_id)

        def effect() -> dict[str, Any]:
            try:
                count = voices.confirm(report_id=report_id, by=request.user)
            except (voices.OwnReport, voices.NotOpen) as error:
                raise Conflict(str(error)) from None
            return {"confirmed": True, "confirmations_count": count}

        return answer_once(request, "reports.confirm", {"report": report_id}, effect, status=200)

    @extend_schema(tags=["reports"], request=None, responses={200: s.ConfirmedSerializer})
    def delete(self, request: Request, report_id: int) -> Response:
        viewer_of(request).find(report_id)
        return Response(
            {"confirmed": False, "confirmations_count": voices.withdraw(report_id=report_id, by=request.user)}
        )


class OldestFirst(NewestFirst):
    ordering = ("id",)

    def decode_cursor(self, request: Request) -> Any:
        cursor = super().decode_cursor(request)
        position = "" if cursor is None or cursor.position is None else str(cursor.position)
        if position and not (position.isascii() and position.isdigit() and len(position) <= 18):
            raise NotFound(self.invalid_cursor_message)
        return cursor


class ReportComments(ListAPIView):
    """What residents and the administration say about a report, oldest first."""

    permission_classes = OPEN
    roles = {"POST": EVERYONE}
    serializer_class = s.CommentSerializer
    pagination_class = OldestFirst
    throttle_scope = "report"

    def get_throttles(self) -> list[Any]:
        kinds = [ScopedThrottle] if self.request.method == "POST" else [AnonThrottle, UserThrottle]
        return [kind() for kind in kinds]

    @extend_schema(tags=["reports"], operation_id="report_comments_list")
    def get(self, request: Request, report_id: int) -> Response:  # type: ignore[override]
        refuse_unknown(request, {"cursor", "limit", "format"})
        viewer = viewer_of(request)
        report = viewer.find(report_id)
        comments = Comment.objects.filter(report=report)
        if not viewer.handles(report):
            shown = Q(hidden_at=None)
            comments = comments.filter(shown | Q(author=viewer.user) if viewer.user else shown)
        page = self.paginate_queryset(comments) or []
        return self.get_paginated_response([s.comment_body(comment, report, viewer) for comment in page])

    @extend_schema(
        tags=["reports"],
        operation_id="report_comments_create",
        parameters=[KEY],
        request=s.CommentCreateSerializer,
        responses={201: s.CommentSerializer},
    )
    def post(self, request: Request, report_id: int) -> HttpResponse | Response:
        viewer = viewer_of(request)
        report = viewer.find(report_id)
        asked = s.CommentCreateSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        text, staff = asked.validated_data["text"], viewer.handles(report)

        def effect() -> dict[str, Any]:
            try:
                comment = voices.add_comment(report_id=report_id, by=viewer.user, text=text, by_staff=staff)
            except voices.NotOpen as error:
                raise Conflict(str(error)) from None
            return s.comment_body(comment, report, viewer)

        return answer_once(request, "reports.comment", {"report": report_id, "text": text}, effect)


class ReportComment(APIView):
    """Hide a comment, or show it again: for those who deal with the report."""

    roles = RESIDENTS

    @extend_schema(tags=["reports"], request=s.CommentPatchSerializer, responses=s.CommentSerializer)
    def patch(self, request: Request, report_id: int, comment_id: int) -> Response:
        viewer = viewer_of(request)
        report = viewer.find(report_id)
        if not viewer.handles(report):
            raise PermissionDenied("Comments are hidden by those who deal with the report.")
        if not Comment.objects.filter(pk=comment_id, report=report).exists():
            raise Http404
        asked = s.CommentPatchSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        comment = voices.hide_comment(comment_id=comment_id, hidden=asked.validated_data["hidden"])
        return Response(s.comment_body(comment, report, viewer))
