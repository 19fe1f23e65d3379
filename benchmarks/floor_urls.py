"""Views that do the least there is to do."""

import json
from typing import Any

import orjson
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from base.permissions import Public
from base.roles import EVERYONE, Role
from base.throttles import ScopedThrottle
from benchmarks import floor


@csrf_exempt
def loan(request: HttpRequest) -> HttpResponse:
    """Read the features with one SELECT, write all rows with one statement, answer a few keys."""
    body = orjson.dumps(_written(json.loads(request.body)["borrower_id"]))
    return HttpResponse(body, status=201, content_type="application/json", headers={"Content-Length": len(body)})


def _written(borrower_id: str) -> dict[str, Any]:
    with connection.cursor() as cursor:
        features = floor.read_features(cursor, borrower_id)
        return {"id": floor.write_rows(cursor, borrower_id), "sets": len(features)}


class GuardedLoan(APIView):
    """The same behind the product's authentication, role and throttle."""

    roles = {Role.CLIENT}
    throttle_classes = [ScopedThrottle]
    throttle_scope = "loan"

    def post(self, request: Request) -> Response:
        return Response(_written(request.data["borrower_id"]), status=201)


class Empty(APIView):
    """Django REST framework with nothing to do."""

    authentication_classes: list = []
    permission_classes = [Public]
    throttle_classes: list = []

    def post(self, request: Request) -> Response:
        return Response({"parsed": len(request.data)})


class Guarded(APIView):
    """The same behind the product's authentication, roles and throttle."""

    roles = EVERYONE

    def get(self, request: Request) -> Response:
        return Response({})

    def post(self, request: Request) -> Response:
        return Response({"parsed": len(request.data)})


class BareReport(APIView):
    """A report, its first step and its place in the queue by one statement, behind the product's sign-in and role."""

    roles = EVERYONE
    throttle_classes = [ScopedThrottle]
    throttle_scope = "report"

    def post(self, request: Request) -> Response:
        asked = request.data
        with connection.cursor() as cursor:
            cursor.execute(
                floor.REPORT,
                [request.user.pk, asked["title"], asked["description"], asked["latitude"], asked["longitude"]],
            )
            return Response({"id": cursor.fetchone()[0]}, status=201)


urlpatterns: list[Any] = [
    path("api/floor/loan", loan),
    path("api/floor/guarded/loan", GuardedLoan.as_view()),
    path("api/floor/empty", Empty.as_view()),
    path("api/floor/guarded", Guarded.as_view()),
    path("api/floor/report", BareReport.as_view()),
]
