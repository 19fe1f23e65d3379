"""Manual review over HTTP, for reviewers."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from base.desk import QueuePages, acting
from base.queries import refuse_unknown
from base.roles import Role
from loans import reasons
from loans.models import ReviewItem
from loans.review import serializers as s
from loans.review import work
from loans.serializers import DecisionSerializer, decision_body

REVIEWERS = frozenset({Role.REVIEWER})


FIELDS = {reasons.UnknownReason: "reasons"}


class Reviews(ListAPIView):
    """Requests that wait for a reviewer: the oldest day first, and of a day the riskiest."""

    roles = REVIEWERS
    serializer_class = s.ReviewSerializer
    pagination_class = QueuePages
    queue_order = work.ORDER
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
        item = acting(work.claim_item, FIELDS, item_id=item_id, user=request.user)
        return Response(s.ReviewSerializer(item).data)


class ReviewRelease(APIView):
    """Give a claimed request back."""

    roles = REVIEWERS

    @extend_schema(tags=["loans"], request=s.ReleaseSerializer, responses=s.ReviewSerializer)
    def post(self, request: Request, item_id: int) -> Response:
        asked = s.ReleaseSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        item = acting(work.release_item, FIELDS, item_id=item_id, user=request.user, **asked.validated_data)
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
            FIELDS,
            item_id=item_id,
            user=request.user,
            approve=given["decision"] == "approved",
            note=given["reason"],
            reason_codes=given["reasons"],
        )
        return Response(decision_body(decision), status=201)
