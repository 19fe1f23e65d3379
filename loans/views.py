"""Loans over HTTP."""

from __future__ import annotations

import json
import logging
from typing import Any

from django.db import transaction
from django.http import Http404, HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import idempotency
from base.pagination import NewestFirst
from base.problems import Unavailable
from base.queries import refuse_unknown
from base.renderers import JSONRenderer, answer
from base.roles import EVERYONE, STAFF, Role
from base.throttles import ScopedThrottle
from loans import serializers as s
from loans import services
from loans.models import Borrower, LoanRequest
from loans.policy import identity
from loans.policy.facts import NoPolicy
from loans.policy.published import UnknownPolicy
from tasks.models import Task
from tasks.serializers import TaskSerializer, task_links

logger = logging.getLogger(__name__)
ASKED = s.LoanRequestCreateSerializer()  # one for all requests: making its fields anew costs more than using them


class RequestLoan(APIView):
    """Ask for a loan. The decision is in the answer; the borrower's features are brought up to date behind it."""

    roles = {Role.CLIENT}
    throttle_classes = [ScopedThrottle]
    throttle_scope = "loan"

    @extend_schema(
        tags=["loans"],
        request=s.LoanRequestCreateSerializer,
        responses={201: s.LoanAnswerSerializer},
        parameters=[
            OpenApiParameter(
                "Idempotency-Key",
                str,
                OpenApiParameter.HEADER,
                description="1–255 printable ASCII characters; the same key has one effect and one answer.",
            ),
            OpenApiParameter(
                identity.DEVICE_HEADER,
                str,
                OpenApiParameter.HEADER,
                description="The client's own id of the device: 8–128 letters, digits and ._:-; kept as a hash.",
            ),
        ],
    )
    def post(self, request: Request) -> HttpResponse:
        asked = ASKED.run_validation(request.data)
        wanted = {"user": request.user, "device": request.headers.get(identity.DEVICE_HEADER), **asked}
        key = request.headers.get(idempotency.HEADER)
        if key is None:
            return answer(**_answered(_decided(wanted)))
        named: dict[str, Any] = {"user": request.user, "endpoint": "loans.request", "key": key}
        with transaction.atomic():
            known = idempotency.begin(**named, body=request.data)
            if known is None:
                made = _answered(_decided(wanted))
                known = idempotency.finish(**named, status=201, body=JSONRenderer().render(made["data"]))
                return known.as_response(**made["headers"])
        return known.as_response(**_headers(json.loads(known.body)["task_id"]))


def _decided(wanted: dict[str, Any]) -> services.Answer:
    """With the refusals as problems."""
    try:
        return services.request_loan(**wanted)
    except identity.InvalidDevice as error:
        raise ValidationError({identity.DEVICE_HEADER: [str(error)]}) from None
    except (NoPolicy, UnknownPolicy):
        logger.exception("nothing can be decided")
        raise Unavailable("Requests cannot be decided for the moment.") from None


def _answered(made: services.Answer) -> dict[str, Any]:
    """The document's keys; the features are promised only if their task is committed with the request."""
    queued = made.task_id is not None
    note = (
        "Feature computation running in background"
        if queued
        else "Feature computation could not be queued; the decision stands"
    )
    return {
        "status": 201,
        "headers": _headers(made.task_id),
        "data": {
            "loan_request": s.request_body(made.request) | {"audit_logged": True},
            "credit_decision": s.decision_body(made.decision),
            "background_task_queued": queued,
            "background_task_note": note,
            "task_id": made.task_id,
        },
    }


def _headers(task_id: str | None) -> dict[str, str]:
    return task_links(task_id) if task_id else {}


class LoanRequests(ListAPIView):
    """Loan requests, newest first: the caller's own, or all for reviewers and operators."""

    roles = EVERYONE - {Role.SERVICE}
    serializer_class = s.LoanDetailSerializer
    pagination_class = NewestFirst

    @extend_schema(tags=["loans"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        refuse_unknown(request, {"cursor", "limit", "format"})
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> Any:
        return visible_requests(self.request.user)


class LoanRequestDetail(APIView):
    """One loan request with its newest decision."""

    roles = EVERYONE - {Role.SERVICE}

    @extend_schema(tags=["loans"], responses=s.LoanDetailSerializer)
    def get(self, request: Request, request_id: Any) -> Response:
        found = visible_requests(request.user).filter(pk=request_id).first()
        if found is None:
            raise Http404
        return Response(s.LoanDetailSerializer(found).data)


def visible_requests(user: Any) -> Any:
    """Requests the user may see; another's look the same as none."""
    requests = LoanRequest.objects.prefetch_related("decisions")
    return requests if sees_all(user) else requests.filter(borrower__user=user)


def sees_all(user: Any) -> bool:
    return user.is_superuser or user.role in STAFF


class BorrowerTasks(ListAPIView):
    """The background tasks about one borrower, newest first: the caller's own borrower, or any for staff."""

    roles = EVERYONE - {Role.SERVICE}
    serializer_class = TaskSerializer
    pagination_class = NewestFirst
    queryset = Task.objects.none()

    @extend_schema(tags=["tasks"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        refuse_unknown(request, {"cursor", "limit", "format"})
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> Any:
        borrower = Borrower.objects.filter(pk=self.kwargs["borrower_id"]).first()
        if borrower is None or not (sees_all(self.request.user) or borrower.user_id == self.request.user.pk):
            raise Http404
        return Task.objects.filter(subject_type="borrower", subject_id=str(borrower.pk))
