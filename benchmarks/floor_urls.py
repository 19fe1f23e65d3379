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
from base.roles import EVERYONE
from benchmarks import floor


@csrf_exempt
def loan(request: HttpRequest) -> HttpResponse:
    """Read the features with one SELECT, write the five rows with one statement, answer a few keys."""
    asked = json.loads(request.body)
    with connection.cursor() as cursor:
        features = floor.read_features(cursor, asked["borrower_id"])
        request_id = floor.write_rows(cursor, asked["borrower_id"])
    body = orjson.dumps({"id": request_id, "sets": len(features)})
    return HttpResponse(body, status=201, content_type="application/json", headers={"Content-Length": len(body)})


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


urlpatterns: list[Any] = [
    path("api/floor/loan", loan),
    path("api/floor/empty", Empty.as_view()),
    path("api/floor/guarded", Guarded.as_view()),
]
