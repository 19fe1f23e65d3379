"""Open311 GeoReport v2 over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Max
from django.http import Http404
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from base.permissions import Public
from base.throttles import ScopedThrottle
from reports.filing.access import WithoutAccount, viewer_of
from reports.models import Category, Waiting
from reports.open311 import asking, extended, showing
from reports.open311 import serializers as s
from reports.open311.models import Attribute, Submission
from reports.open311.submitting import submit
from reports.open311.surface import FORM, JURISDICTION, Open311View, form_of

SPECIFICATION = "http://wiki.open311.org/GeoReport_v2"
TAGS = ["open311"]
EXTENSIONS = OpenApiParameter("extensions", bool, description="More than the standard has: steps, photos, severity.")
FORM_FIELDS = "application/x-www-form-urlencoded"


class Discovery(Open311View):
    """Where the endpoint is, what it speaks, and whom to ask."""

    root = "discovery"

    @extend_schema(
        tags=TAGS, operation_id="open311_discovery", parameters=[FORM], responses=s.Open311DiscoverySerializer
    )
    def get(self, request: Request, form: str) -> Response:
        changeset = _changeset()
        endpoint = {
            "specification": SPECIFICATION,
            "url": request.build_absolute_uri("/open311/v2"),
            "changeset": changeset,
            "type": "production" if settings.PRODUCTION else "test",
            "formats": ["text/xml", "application/json"],
        }
        return Response(
            {
                "changeset": changeset,
                "contact": settings.OPEN311_CONTACT,
                "key_service": settings.OPEN311_KEY_SERVICE,
                "endpoints": [endpoint],
            }
        )


def _changeset() -> str:
    """When a service or a question was changed last."""
    times = [kind.objects.aggregate(at=Max("changed_at"))["at"] for kind in (Category, Attribute)]
    return showing.w3c(max(filter(None, times), default=timezone.now()))


class Services(Open311View):
    """What may be reported."""

    root = "services"

    @extend_schema(
        tags=TAGS,
        operation_id="open311_services",
        parameters=[FORM, JURISDICTION],
        responses=s.Open311ServiceSerializer(many=True),
    )
    def get(self, request: Request, form: str) -> Response:
        return Response(showing.services())


class Definition(Open311View):
    """What a service asks besides."""

    root = "service_definition"

    @extend_schema(
        tags=TAGS,
        operation_id="open311_service_definition",
        parameters=[FORM, JURISDICTION],
        responses=s.Open311DefinitionSerializer,
    )
    def get(self, request: Request, code: str, form: str) -> Response:
        category = Category.objects.filter(code=code, is_active=True).first()
        if category is None:
            raise Http404
        return Response(showing.definition(category))


class KeyToFile(WithoutAccount):
    """Reading as everywhere; filing needs a key."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if request.method == "POST":
            return bool(request.user and request.user.is_authenticated)
        return super().has_permission(request, view)


class Requests(Open311View):
    """Reports as service requests: many of them, and a new one."""

    permission_classes = [Public, KeyToFile]
    throttle_scope = "report"
    known = asking.KNOWN

    def get_throttles(self) -> list[Any]:
        return [ScopedThrottle()] if self.request.method == "POST" else super().get_throttles()

    @extend_schema(
        tags=TAGS,
        operation_id="open311_requests",
        parameters=[
            FORM,
            JURISDICTION,
            OpenApiParameter("service_request_id", str, description="Numbers; commas between. Overrides all others."),
            OpenApiParameter("service_code", str, description="Codes; commas between."),
            OpenApiParameter("start_date", str, description="With its zone; the last 90 days without both dates."),
            OpenApiParameter("end_date", str, description="At most 90 days after the start."),
            OpenApiParameter("status", str, description="open, closed; commas between."),
            EXTENSIONS,
            OpenApiParameter("page", int, description="From 1."),
            OpenApiParameter("page_size", int, description=f"1 to {asking.MOST}, which it is if left out."),
        ],
        responses=s.Open311RequestSerializer(many=True),
    )
    def get(self, request: Request, form: str) -> Response:
        asked = asking.asked_of(request.query_params)
        found = asking.chosen(viewer_of(request).reports(), asked, now=timezone.now())
        return Response(_shown(request, found))

    @extend_schema(
        tags=TAGS,
        operation_id="open311_submit",
        parameters=[FORM, JURISDICTION],
        request={FORM_FIELDS: s.Open311RequestFormSerializer},
        responses={201: s.Open311CreatedSerializer(many=True)},
    )
    def post(self, request: Request, form: str) -> Response:
        """File a report. Answers of questions are fields `attribute[code]`, and `attribute[code][]` for several."""
        return Response([submit(form_of(request), by=request.user)], status=201)


class OneRequest(Open311View):
    """One report as a service request, in a list of one."""

    known = frozenset({"extensions"})

    @extend_schema(
        tags=TAGS,
        operation_id="open311_request",
        parameters=[FORM, JURISDICTION, EXTENSIONS],
        responses=s.Open311RequestSerializer(many=True),
    )
    def get(self, request: Request, number: int, form: str) -> Response:
        found = _shown(request, viewer_of(request).reports().filter(pk=number))
        if not found:
            raise Http404
        return Response(found)


class Token(Open311View):
    """The number of the request that a token was given for; it is left out until its service is known."""

    @extend_schema(
        tags=TAGS,
        operation_id="open311_token",
        parameters=[FORM, JURISDICTION],
        responses=s.Open311TokenSerializer(many=True),
    )
    def get(self, request: Request, token: UUID, form: str) -> Response:
        submission = Submission.objects.filter(token=token).first()
        if submission is None:
            raise Http404
        waits = Waiting.objects.filter(pk=submission.report_id).exists()
        number = {} if waits else {"service_request_id": str(submission.report_id)}
        return Response([{**number, "token": str(token)}])


class Nothing(Open311View):
    """An address that Open311 does not have."""

    schema = None  # type: ignore[assignment]

    def get(self, request: Request, **kwargs: Any) -> Response:
        raise Http404

    post = put = patch = delete = get


def _shown(request: Request, found: Any) -> list[dict[str, Any]]:
    def photo_url(number: int, photo: UUID) -> str:
        return request.build_absolute_uri(reverse("report-photo", args=[number, photo]))

    shown = showing.requests(found, photo_url)
    if asking.is_extended(request.query_params):
        more = extended.extensions([int(one["service_request_id"]) for one in shown], photo_url)
        shown = [one | more[int(one["service_request_id"])] for one in shown]
    return shown
