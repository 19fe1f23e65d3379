"""JSON out. A value already rendered by PostgreSQL passes through untouched, so exact decimals stay exact."""

from decimal import Decimal
from typing import Any

import orjson
from django.http import HttpResponse
from rest_framework.renderers import BaseRenderer


class JSONRenderer(BaseRenderer):
    media_type = "application/json"
    format = "json"
    charset = None

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        if data is None:
            return b""
        return orjson.dumps(data, default=_encode, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z)


def answer(data: Any, **head: Any) -> HttpResponse:
    """What is asked for most often, without the framework's two-step rendering. For views that speak JSON alone.

    head: `status`, `headers`.
    """
    return HttpResponse(JSONRenderer().render(data), content_type=JSONRenderer.media_type, **head)


def _encode(value: Any) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(format(value, "f"))
    if hasattr(value, "items"):
        return dict(value.items())
    if isinstance(value, (list, tuple, set, frozenset)) or hasattr(value, "__iter__"):
        return list(value)
    return str(value)
