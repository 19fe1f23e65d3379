"""`Idempotency-Key` on what residents post: one effect, one answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import idempotency
from base import context
from base.renderers import JSONRenderer
from reports.filing.access import somebody
from reports.filing.limits import address_of

KEY = OpenApiParameter(
    idempotency.HEADER,
    str,
    OpenApiParameter.HEADER,
    description="1–255 printable ASCII characters; the same key of an account, or without one of a network address, "
    "has one effect and one answer.",
)


def answer_once(
    request: Request, endpoint: str, body: Any, effect: Callable[[], dict[str, Any]], *, status: int = 201
) -> HttpResponse | Response:
    """Run an effect that gives the body of its answer, once for each key of an account or else of an address.

    The answer to who has no account holds nothing that others may not read, so neighbours behind one address cannot
    learn from it; another body under the same key is refused. Raises ValidationError.
    """
    key = request.headers.get(idempotency.HEADER)
    if key is None:
        return Response(effect(), status=status)
    user = somebody(request)
    address = "" if user else address_of(context.current().ip)
    named: dict[str, Any] = {"user": user, "address": address, "endpoint": endpoint, "key": key}
    with transaction.atomic():
        known = idempotency.begin(**named, body=body)
        if known is None:
            rendered = JSONRenderer().render(effect())
            known = idempotency.finish(**named, status=status, body=rendered)
    return known.as_response()
