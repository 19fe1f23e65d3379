"""Claims over HTTP: say one, find them, have one verified."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils.dateparse import parse_datetime
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import idempotency
from base.pagination import NewestFirst
from base.problems import Conflict
from base.queries import refuse_unknown
from base.renderers import JSONRenderer
from base.throttles import ScopedThrottle, UserThrottle
from claims import serializers as s
from claims import services
from claims.access import OPERATORS, READERS, SUBMITTERS, find_claim, visible_claims
from claims.models import Claim, Corpus
from claims.verification import asking, outdated
from claims.verification.following import states_of
from tasks.serializers import task_links

COUNTED = 10_000  # claims whose evidence has changed
PAGED = ("cursor", "limit", "format")
KEY = OpenApiParameter(
    idempotency.HEADER,
    str,
    OpenApiParameter.HEADER,
    description="1–255 printable ASCII characters; the same key has one effect and one answer.",
)


class NewestClaims(NewestFirst):
    def decode_cursor(self, request: Request) -> Any:
        """Raises NotFound for a position that is no moment."""
        cursor = super().decode_cursor(request)
        if cursor is not None and cursor.position is not None:
            try:
                moment = parse_datetime(str(cursor.position))
            except ValueError:
                moment = None
            if moment is None:
                raise NotFound(self.invalid_cursor_message)
        return cursor


class Claims(ListAPIView):
    """Submit a claim, and list them, newest first: the caller's own, or all for staff."""

    roles = {"GET": READERS, "POST": SUBMITTERS}
    serializer_class = s.ClaimSerializer
    pagination_class = NewestClaims
    queryset = Claim.objects.none()
    throttle_scope = "claim"

    def get_throttles(self) -> list[Any]:
        return [ScopedThrottle() if self.request.method == "POST" else UserThrottle()]

    @extend_schema(tags=["claims"], operation_id="claims_list", parameters=[s.ClaimFilter])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        refuse_unknown(request, {*PAGED, *s.ClaimFilter().fields})
        filters = {name: value for name, value in request.query_params.items() if name not in PAGED}
        asked = s.ClaimFilter(data=filters)
        asked.is_valid(raise_exception=True)
        wanted = _matching(visible_claims(request.user), asked.validated_data)
        page = self.paginate_queryset(wanted.select_related("verdict")) or []
        return self.get_paginated_response(s.claim_bodies(page))

    @extend_schema(
        tags=["claims"],
        operation_id="claims_create",
        parameters=[KEY],
        request=s.ClaimCreateSerializer,
        responses={201: s.ClaimSerializer},
    )
    def post(self, request: Request) -> HttpResponse | Response:
        """Store a claim. `POST /claims/{id}/verify` has it verified."""
        refuse_unknown(request, {"format"})
        asked = s.ClaimCreateSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        key = request.headers.get(idempotency.HEADER)
        if key is None:
            return Response(_submitted(request, asked.validated_data), status=201)
        named: dict[str, Any] = {"user": request.user, "endpoint": "claims.submit", "key": key}
        with transaction.atomic():
            known = idempotency.begin(**named, body=request.data)
            if known is None:
                rendered = JSONRenderer().render(_submitted(request, asked.validated_data))
                known = idempotency.finish(**named, status=201, body=rendered)
        return known.as_response()


def _submitted(request: Request, told: dict[str, Any]) -> dict[str, Any]:
    return s.claim_bodies([services.submit_claim(by=request.user, **told)])[0]


def _matching(claims: QuerySet[Claim], filters: dict[str, Any]) -> QuerySet[Claim]:
    if "label" in filters:
        claims = claims.filter(verdict__label=filters["label"])
    if "flipped" in filters:
        claims = claims.filter(verdict__flipped=filters["flipped"])
    if "verified" in filters:
        claims = claims.filter(verdict__isnull=not filters["verified"])
    return claims


class ClaimDetail(APIView):
    """One claim."""

    roles = READERS

    @extend_schema(tags=["claims"], operation_id="claims_detail", responses=s.ClaimSerializer)
    def get(self, request: Request, claim_id: Any) -> Response:
        refuse_unknown(request, {"format"})
        return Response(s.claim_bodies([find_claim(request.user, claim_id)])[0])


class VerifyClaim(APIView):
    """Have a claim held against the evidence, behind."""

    roles = SUBMITTERS
    throttle_classes = [ScopedThrottle]
    throttle_scope = "claim"

    @extend_schema(
        tags=["claims"],
        operation_id="claims_verify",
        request=s.VerifyClaimSerializer,
        responses={202: s.VerifyAnswerSerializer},
    )
    def post(self, request: Request, claim_id: Any) -> Response:
        """While a verification of the claim is under way, it is the answer, whatever else is asked for."""
        refuse_unknown(request, {"format"})
        claim = find_claim(request.user, claim_id)
        asked = s.VerifyClaimSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        try:
            run, is_new = asking.request_verification(claim_id=claim.pk, **asked.validated_data)
        except asking.UnknownCorpus as error:
            raise ValidationError({"corpora": [str(error)]}) from None
        except asking.NoEvidence as error:
            raise Conflict(str(error)) from None
        body = {
            "task_id": run.task_id,
            "status": states_of([run])[run.pk],
            "message": "The verification is queued." if is_new else "A verification of this claim is under way.",
            "claim_id": claim.pk,
            "run_id": run.pk,
            "verdict": f"/api/v1/verdicts/{claim.pk}",
        }
        return Response(body, 202, headers=task_links(run.task_id))


class ReverifyClaims(APIView):
    """Have the claims verified again whose evidence has changed since their verdict."""

    roles = OPERATORS
    throttle_classes = [ScopedThrottle]
    throttle_scope = "claim"

    @extend_schema(
        tags=["claims"],
        operation_id="claims_reverify",
        request=s.ReverifyClaimsSerializer,
        responses={202: s.ReverifyAnswerSerializer, 200: s.ReverifyAnswerSerializer},
    )
    def post(self, request: Request) -> Response:
        """`dry_run` counts them and queues none."""
        refuse_unknown(request, {"format"})
        asked = s.ReverifyClaimsSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        corpus, reason = asked.validated_data.get("corpus"), asked.validated_data["reason"]
        try:
            asking.refuse_unknown([corpus] if corpus else [])
            count = outdated.count_outdated(corpus, limit=COUNTED + 1)
            counted = {"claims": min(count, COUNTED), "at_least": count > COUNTED}
            if asked.validated_data["dry_run"]:
                return Response({"status": "dry_run", "message": "Nothing is queued.", **counted})
            task_id = asking.request_reverification(corpus=corpus, reason=reason)
        except asking.UnknownCorpus as error:
            raise ValidationError({"corpus": [str(error)]}) from None
        except asking.NoEvidence as error:
            raise Conflict(str(error)) from None
        body = {"task_id": task_id, "status": "pending", "message": "The claims are being queued.", **counted}
        return Response(body, 202, headers=task_links(task_id))


class Corpora(APIView):
    """What claims are held against."""

    roles = READERS

    @extend_schema(tags=["claims"], operation_id="claims_corpora", responses=s.CorporaSerializer)
    def get(self, request: Request) -> Response:
        refuse_unknown(request, {"format"})
        return Response({"results": s.CorpusSerializer(Corpus.objects.all(), many=True).data})
