"""Verdicts over HTTP: the newest of a claim, those before it, and as ClaimReview."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from base.negotiation import AnyMediaType
from base.problems import CONTENT_TYPE, problem
from base.queries import refuse_unknown
from base.renderers import JSONRenderer
from claims import serializers as s
from claims.access import READERS, find_claim
from claims.claimreview import MEDIA_TYPE, claim_review
from claims.models import Claim, Verdict, VerificationRun
from claims.verification.following import is_over, states_of
from claims.verification.stages import versions_of
from claims.views import PAGED, NewestClaims
from tasks.serializers import task_links, task_path

NONE_YET = "No verdict. `task_id`, `task` and `task_status` tell of the last verification, where there was one."
RUN = OpenApiParameter("run", str, description="The verdict of this run instead of the newest.")


class AskedRun(serializers.Serializer):
    run = serializers.UUIDField(required=False)


class VerdictDetail(APIView):
    """What was found about a claim: label, confidence, and the sentences that made it so."""

    roles = READERS

    @extend_schema(
        tags=["claims"],
        operation_id="verdict",
        parameters=[RUN],
        responses={200: s.ClaimVerdictSerializer, 404: OpenApiResponse(description=NONE_YET)},
    )
    def get(self, request: Request, claim_id: Any) -> Response:
        refuse_unknown(request, {"run", "format"})
        claim = find_claim(request.user, claim_id)
        verdict = _asked_verdict(request, claim)
        latest = VerificationRun.objects.filter(claim=claim).order_by("-id").first()
        if verdict is None:
            return _none_yet(latest)
        outdated = verdict.run.corpora != versions_of(verdict.run.only)
        return Response(s.verdict_body(claim, verdict, outdated=outdated, latest=latest))


def _asked_verdict(request: Request, claim: Claim) -> Verdict | None:
    asked = AskedRun(data=request.query_params)
    asked.is_valid(raise_exception=True)
    if "run" not in asked.validated_data:
        return claim.verdict
    return claim.verdicts.select_related("run", "previous").filter(pk=asked.validated_data["run"]).first()


def _none_yet(latest: VerificationRun | None) -> Response:
    """404, and what is being done about it."""
    if latest is None:
        body, headers = problem(404, detail="This claim was not verified yet."), {}
    else:
        state = states_of([latest])[latest.pk]
        over = is_over(state)
        how = f"ended {state}" if over else f"is {state}"
        body = problem(404, detail=f"There is no such verdict; the last verification {how}.")
        body |= {
            "task_id": latest.task_id,
            "task": task_path(latest.task_id),
            "task_status": state,
            "run_id": latest.pk,
        }
        headers = {} if over else task_links(latest.task_id)
    return Response(body, 404, content_type=CONTENT_TYPE, headers=headers)


class ClaimVerdicts(ListAPIView):
    """Every verdict of a claim, newest first."""

    roles = READERS
    serializer_class = s.PastVerdictSerializer
    queryset = Verdict.objects.none()

    class pagination_class(NewestClaims):
        ordering = ("-decided_at", "-run_id")

    @extend_schema(tags=["claims"], operation_id="claims_verdicts")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        refuse_unknown(request, set(PAGED))
        claim = find_claim(request.user, self.kwargs["claim_id"])
        page = self.paginate_queryset(claim.verdicts.select_related("run")) or []
        return self.get_paginated_response([s.past_body(verdict) for verdict in page])


class ClaimReview(APIView):
    """The newest verdict as schema.org ClaimReview, JSON-LD. Rating: 1 refuted, 3 disputed or unknown, 5 supported."""

    roles = READERS
    content_negotiation_class = AnyMediaType

    @extend_schema(tags=["claims"], operation_id="claim_review", responses={(200, MEDIA_TYPE): {"type": "object"}})
    def get(self, request: Request, claim_id: Any) -> HttpResponse | Response:
        refuse_unknown(request, set())
        claim = find_claim(request.user, claim_id)
        if claim.verdict is None:
            return _none_yet(VerificationRun.objects.filter(claim=claim).order_by("-id").first())
        body = JSONRenderer().render(claim_review(claim, claim.verdict))
        return HttpResponse(body, content_type=MEDIA_TYPE)
