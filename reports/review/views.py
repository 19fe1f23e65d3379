"""The review queue over HTTP, for reviewers; each sees what their departments have."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from base.desk import QueuePages, acting
from base.queries import refuse_unknown
from base.roles import Role
from reports.filing.services import UnknownCategory
from reports.models import ReviewItem
from reports.review import deciding, work
from reports.review import serializers as s
from reports.review.models import Why
from reports.review.reasons import REASONS, UnknownReason

REVIEWERS = frozenset({Role.REVIEWER})
FIELDS = {UnknownCategory: "category", UnknownReason: "reason"}


class Reviews(ListAPIView):
    """Reports that wait for a reviewer: what is due on the earliest day first, and of a day the riskiest."""

    roles = REVIEWERS
    serializer_class = s.ReportReviewSerializer
    pagination_class = QueuePages
    queue_order = work.ORDER
    queryset = ReviewItem.objects.none()

    @extend_schema(
        tags=["reports"],
        operation_id="reports_review_list",
        parameters=[
            OpenApiParameter("why", enum=Why.values),
            OpenApiParameter("department", str),
            OpenApiParameter("mine", enum=["true"], description="What one has claimed."),
        ],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        refuse_unknown(request, {"why", "department", "mine", "cursor", "limit", "format"})
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> Any:
        asked, items = self.request.query_params, work.waiting_items(self.request.user)
        if (why := asked.get("why")) is not None:
            if why not in Why.values:
                raise ValidationError({"why": [f"One of {', '.join(Why.values)}."]})
            items = items.filter(why__contains=[why])
        if (department := asked.get("department")) is not None:
            items = items.filter(department=department)
        if (mine := asked.get("mine")) is not None:
            if mine != "true":
                raise ValidationError({"mine": ["true, or not at all."]})
            items = items.filter(claimed_by=self.request.user.pk)
        return items.select_related("report__category", "claimed_by")


class ReviewReasons(APIView):
    """The reasons a rejection may be given."""

    roles = REVIEWERS

    @extend_schema(tags=["reports"], responses=s.RejectReasonSerializer(many=True))
    def get(self, request: Request) -> Response:
        refuse_unknown(request, {"format"})
        return Response(s.RejectReasonSerializer(list(REASONS.values()), many=True).data)


class ReviewDetail(APIView):
    """One item, waiting or decided."""

    roles = REVIEWERS

    @extend_schema(tags=["reports"], responses=s.ReportReviewSerializer)
    def get(self, request: Request, item_id: int) -> Response:
        refuse_unknown(request, {"format"})
        item = acting(work.one_item, {}, item_id=item_id, user=request.user)
        return Response(s.ReportReviewSerializer(item).data)


class ReviewNext(APIView):
    """Take the first free item, or what one has claimed already. 204 if nothing waits. No two people get the same."""

    roles = REVIEWERS

    @extend_schema(
        tags=["reports"], request=s.ReviewNextSerializer, responses={200: s.ReportReviewSerializer, 204: None}
    )
    def post(self, request: Request) -> Response:
        asked = read(s.ReviewNextSerializer, request)
        after = None
        if "after" in asked:
            after = work.visible_items(request.user).filter(pk=asked["after"]).first()
            if after is None:
                raise Http404
        item = work.claim_next(user=request.user, after=after)
        return Response(s.ReportReviewSerializer(item).data) if item else Response(status=204)


class ReviewClaim(APIView):
    """Take an item to decide it. The claim runs out; until then nobody else can decide."""

    roles = REVIEWERS

    @extend_schema(tags=["reports"], request=None, responses=s.ReportReviewSerializer)
    def post(self, request: Request, item_id: int) -> Response:
        item = acting(work.claim_item, {}, item_id=item_id, user=request.user)
        return Response(s.ReportReviewSerializer(item).data)


class ReviewRelease(APIView):
    """Give a claimed item back."""

    roles = REVIEWERS

    @extend_schema(tags=["reports"], request=s.ReviewReleaseSerializer, responses=s.ReportReviewSerializer)
    def post(self, request: Request, item_id: int) -> Response:
        asked = read(s.ReviewReleaseSerializer, request)
        item = acting(work.release_item, {}, item_id=item_id, user=request.user, **asked)
        return Response(s.ReportReviewSerializer(item).data)


class ReviewAccept(APIView):
    """The suggested category stands, and its department has the report."""

    roles = REVIEWERS

    @extend_schema(tags=["reports"], request=s.ReviewNoteSerializer, responses={201: s.ReportDecisionSerializer})
    def post(self, request: Request, item_id: int) -> Response:
        return decided(deciding.accept_item, item_id, request, s.ReviewNoteSerializer)


class ReviewCorrect(APIView):
    """It is about something else: another category and its department. The model learns from it."""

    roles = REVIEWERS

    @extend_schema(tags=["reports"], request=s.ReviewCorrectSerializer, responses={201: s.ReportDecisionSerializer})
    def post(self, request: Request, item_id: int) -> Response:
        return decided(deciding.correct_item, item_id, request, s.ReviewCorrectSerializer)


class ReviewReject(APIView):
    """Nothing will be done, and the resident reads why."""

    roles = REVIEWERS

    @extend_schema(tags=["reports"], request=s.ReviewRejectSerializer, responses={201: s.ReportDecisionSerializer})
    def post(self, request: Request, item_id: int) -> Response:
        return decided(deciding.reject_item, item_id, request, s.ReviewRejectSerializer)


class ReviewMerge(APIView):
    """It is the same problem as another report, which goes on for both."""

    roles = REVIEWERS

    @extend_schema(tags=["reports"], request=s.ReviewMergeSerializer, responses={201: s.ReportDecisionSerializer})
    def post(self, request: Request, item_id: int) -> Response:
        return decided(deciding.merge_item, item_id, request, s.ReviewMergeSerializer)


def decided(service: Any, item_id: int, request: Request, asks: type[s.StrictSerializer]) -> Response:
    decision = acting(service, FIELDS, item_id=item_id, user=request.user, **read(asks, request))
    return Response(s.ReportDecisionSerializer(decision).data, status=201)


def read(serializer: type[s.StrictSerializer], request: Request) -> dict[str, Any]:
    asked = serializer(data=request.data)
    asked.is_valid(raise_exception=True)
    return dict(asked.validated_data)
