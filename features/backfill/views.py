"""Start, look at, pause, resume and cancel backfills over HTTP."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from base.pagination import NewestFirst
from base.problems import Conflict
from base.queries import refuse_unknown
from base.roles import Role
from features import services
from features.backfill import serializers as s
from features.backfill.control import InvalidBackfill, OtherBackfill, WrongState, tasks_of
from features.backfill.models import Backfill
from features.language.extractions import FEATURES, chosen
from features.serializers import BackfillRequestSerializer
from features.views.coverage import started as answer
from tasks.serializers import ReasonSerializer, task_links


class NewestBackfills(NewestFirst):
    ordering = ("-id",)


def started(asked: dict[str, Any]) -> Backfill:
    """Start or join, with the refusals as problems."""
    try:
        return services.request_backfill(**asked)[0]
    except InvalidBackfill as error:
        raise ValidationError({error.field: [str(error)]}) from None
    except OtherBackfill as error:
        raise Conflict(str(error)) from None


def first_task(backfill: Backfill) -> str | None:
    task = tasks_of(backfill).last()
    return str(task.pk) if task else None


class BackfillAll(APIView):
    """Start a backfill of everything that waits, domains' own raw data too; a live one is joined, not doubled."""

    roles = {Role.OPERATOR}

    @extend_schema(tags=["features"], request=BackfillRequestSerializer, responses={202: s.StartedBackfillSerializer})
    def post(self, request: Request) -> Response:
        asked = BackfillRequestSerializer(data=request.data or {})
        asked.is_valid(raise_exception=True)
        sizes = dict(asked.validated_data)
        with_features, others = chosen(of := sizes.pop("of"))
        with transaction.atomic():
            backfill = started(sizes) if with_features else None
            tasks = {FEATURES: first_task(backfill)} if backfill else {}
            tasks |= {name: each.request_backfill(**sizes) for name, each in others.items()}
        what, about = ("all features", {"backfill_id": backfill.pk}) if backfill else (of, {})
        return answer(tasks, f"Backfill of {what} started", **about)


class Backfills(APIView):
    """Backfills, newest first; a new one, or with `?dry_run=true` what it would cost."""

    roles = {"GET": {Role.OPERATOR, Role.ANALYST}, "POST": {Role.OPERATOR}}
    pagination_class = NewestBackfills

    @extend_schema(tags=["features"], responses=s.BackfillSerializer(many=True))
    def get(self, request: Request) -> Response:
        refuse_unknown(request, {"format", "cursor", "limit"})
        pages = self.pagination_class()
        rows = pages.paginate_queryset(Backfill.objects.all(), request, view=self)
        return pages.get_paginated_response(s.BackfillSerializer(rows, many=True).data)

    @extend_schema(
        tags=["features"],
        request=s.NewBackfillSerializer,
        parameters=[OpenApiParameter("dry_run", bool, description="`true`: estimate, and start nothing")],
        responses={202: s.BackfillDetailSerializer, 200: s.DryRunSerializer},
    )
    def post(self, request: Request) -> Response:
        refuse_unknown(request, {"format", "dry_run"})
        dry_run = request.query_params.get("dry_run", "false")
        if dry_run not in ("true", "false"):
            raise ValidationError({"dry_run": ["May be `true` or `false`."]})
        asked = s.NewBackfillSerializer(data=request.data or {})
        asked.is_valid(raise_exception=True)
        if dry_run == "true":
            try:
                return Response({"estimate": services.estimate_backfill(**asked.validated_data)})
            except InvalidBackfill as error:
                raise ValidationError({error.field: [str(error)]}) from None
        backfill = started(asked.validated_data)
        task_id = first_task(backfill)
        return Response(
            s.BackfillDetailSerializer(backfill).data, 202, headers=task_links(task_id) if task_id else None
        )


class BackfillDetail(APIView):
    """One backfill: how far it is, how fast it goes, which tasks work on it."""

    roles = {Role.OPERATOR, Role.ANALYST}

    @extend_schema(tags=["features"], responses=s.BackfillDetailSerializer)
    def get(self, request: Request, backfill_id: Any) -> Response:
        refuse_unknown(request, {"format"})
        return Response(s.BackfillDetailSerializer(_found(backfill_id)).data)


class _Move(APIView):
    roles = {Role.OPERATOR}
    service: Any

    @extend_schema(tags=["features"], request=ReasonSerializer, responses=s.BackfillDetailSerializer)
    def post(self, request: Request, backfill_id: Any) -> Response:
        refuse_unknown(request, {"format"})
        asked = ReasonSerializer(data=request.data or {})
        asked.is_valid(raise_exception=True)
        _found(backfill_id)
        try:
            backfill = type(self).service(backfill_id=backfill_id, reason=asked.validated_data["reason"])
        except WrongState as error:
            raise Conflict(str(error)) from None
        return Response(s.BackfillDetailSerializer(backfill).data)


class PauseBackfill(_Move):
    """Store no further batch until it is resumed."""

    service = staticmethod(services.pause_backfill)


class ResumeBackfill(_Move):
    """Go on where it was paused."""

    service = staticmethod(services.resume_backfill)


class CancelBackfill(_Move):
    """Store no further batch; what is stored stays."""

    service = staticmethod(services.cancel_backfill)


def _found(backfill_id: Any) -> Backfill:
    try:
        return Backfill.objects.get(pk=backfill_id)
    except Backfill.DoesNotExist:
        raise Http404 from None
