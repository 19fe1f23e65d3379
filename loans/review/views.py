"""Manual review over HTTP, for reviewers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound, PermissionDenied, ValidationError
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from base.pagination import NewestFirst
from base.problems import Conflict
from base.queries import refuse_unknown
from base.roles import Role
from loans import reasons
from loans.models import ReviewItem
from loans.review import serializers as s
from loans.review import work
from loans.serializers import DecisionSerializer, decision_body

REVIEWERS = frozenset({Role.REVIEWER})


class OldestAndRiskiest(NewestFirst):
    ordering = ("opened_day", "-risk", "id")

    def decode_cursor(self, request: Request) -> Any:
        cursor = super().decode_cursor(request)
        try:
            if cursor is not None and cursor.position is not None:
                date.fromisoformat(str(cursor.position))
        except ValueError:
            raise NotFound(self.invalid_cursor_message) from None
        return cursor


class Reviews(ListAPIView):
    """Requests that wait for a reviewer: the oldest day first, and of a day the riskiest."""

    roles = REVIEWERS
    serializer_class = s.ReviewSerializer
    pagination_class = OldestAndRiskiest
    queryset = ReviewItem.objects.none()

    @extend_schema(tags=["loans"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        refuse_unknown(request, {"cursor", "limit", "format"})
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> Any:
        return work.queue()


class ReviewReasons(APIView):
    """The reasons a decline may be given."""

    roles = REVIEWERS

    @extend_schema(tags=["loans"], responses=s.ReasonSerializer(many=True))
    def get(self, request: Request) -> Response:
        refuse_unknown(request, {"format"})
        return Response([{"code": one.code, "text": one.text} for one in reasons.catalogue().values()])


class ReviewClaim(APIView):
    """Take a request to decide it. The claim runs out; until then nobody else can decide."""

    roles = REVIEWERS

    @extend_schema(tags=["loans"], request=None, responses=s.ReviewSerializer)
    def post(self, request: Request, item_id: int) -> Response:
        item = acting(work.claim_item, item_id=item_id, user=request.user)
        return Response(s.ReviewSerializer(item).data)


class ReviewRelease(APIView):
    """Give a claimed request back."""

    roles = REVIEWERS

    @extend_schema(tags=["loans"], request=s.ReleaseSerializer, responses=s.ReviewSerializer)
    def post(self, request: Request, item_id: int) -> Response:
        asked = s.ReleaseSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        item = acting(work.release_item, item_id=item_id, user=request.user, **asked.validated_data)
        return Response(s.ReviewSerializer(item).data)


class ReviewDecide(APIView):
    """Approve or decline a claimed request. The first decision stays as it was."""

    roles = REVIEWERS

    @extend_schema(tags=["loans"], request=s.DecideSerializer, responses={201: DecisionSerializer})
    def post(self, request: Request, item_id: int) -> Response:
        asked = s.DecideSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        decision = acting(
            work.decide_item,
            item_id=item_id,
            user=request.user,
            approve=given["decision"] == "approved",
            note=given["reason"],
            reason_codes=given["reasons"],
        )
        return Response(decision_body(decision), status=201)


def acting(service: Callable[..., Any], **asked: Any) -> Any:
    """Call a service; what it refuses has the status a client should see."""
    try:
        return service(**asked)
    except ReviewItem.DoesNotExist:
        raise Http404 from None
    except work.OwnWork as error:
        raise PermissionDenied(str(error)) from None
    except work.WrongState as error:
        raise Conflict(str(error)) from None
    except reasons.UnknownReason as error:
        raise ValidationError({"reasons": [str(error)]}) from None
