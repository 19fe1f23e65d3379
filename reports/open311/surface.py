"""What all addresses of Open311 share: the format is in the address, errors are the standard's, the key in the form."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import Http404, QueryDict
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import FormParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import BearerAuthentication
from base import problems, renderers
from base.permissions import Public
from base.queries import refuse_unknown
from reports.filing.access import WithoutAccount
from reports.open311 import xml

JURISDICTION = OpenApiParameter("jurisdiction_id", str, description="Whose reports: this city's, or left out.")
FORM = OpenApiParameter("form", str, OpenApiParameter.PATH, enum=["json", "xml"])
REFUSED = {401: 403, 406: 400, 409: 400, 415: 400, 422: 400}  # what the standard says instead
ERRORS = {
    "400": "The request is not valid.",
    "403": "The api_key is missing, not valid, or not allowed to do this.",
    "404": "There is no such jurisdiction, service, request or token.",
    "429": "Too many requests; see Retry-After.",
}
ERROR_LIST = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"code": {"type": "integer"}, "description": {"type": "string"}},
        "required": ["code", "description"],
    },
}


class JSONRenderer(renderers.JSONRenderer):
    charset = "utf-8"  # type: ignore[assignment] # the standard wants it said


class XMLRenderer(BaseRenderer):
    media_type = "text/xml"
    format = "xml"
    charset = "utf-8"

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        failed = renderer_context["response"].status_code >= 400
        root = "errors" if failed else renderer_context["view"].root
        return xml.document(root, data).encode()


FORMATS: dict[str, type[BaseRenderer]] = {"json": JSONRenderer, "xml": XMLRenderer}


class ByAddress(BaseContentNegotiation):
    def select_parser(self, request: Request, parsers: Any) -> Any:
        media = (request.content_type or "").partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == media), None)

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        renderer = FORMATS[request.parser_context["kwargs"].get("form", "xml")]()
        return renderer, renderer.media_type


def form_of(request: Request) -> QueryDict:
    """The form that was sent; nothing else is parsed here."""
    return request.data if isinstance(request.data, QueryDict) else QueryDict()


class KeyOfForm(BearerAuthentication):
    """A program's key as `api_key` of the form, or the bearer that the whole API takes."""

    def credential(self, request: Request) -> str | None:
        given = form_of(request).get("api_key") if request.method == "POST" else None
        return given or super().credential(request)


class KeyScheme(OpenApiAuthenticationExtension):
    target_class = KeyOfForm
    name = "key_of_form"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "description": "As everywhere, or `api_key` in the form."}


class Schema(AutoSchema):
    """Answers in two formats, and the standard's errors."""

    def map_renderers(self, attribute: str) -> list[str]:
        return ["application/json", "text/xml"]

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        operation = super().get_operation(*args, **kwargs)
        if operation is not None:
            content = dict.fromkeys(["application/json", "text/xml"], {"schema": ERROR_LIST})
            for status, description in ERRORS.items():
                operation["responses"].setdefault(status, {"description": description, "content": content})
        return operation


class Open311View(APIView):
    """`root`: the name of the outermost element. `known`: query parameters besides the jurisdiction."""

    root = "service_requests"
    known: frozenset[str] = frozenset()
    authentication_classes = [KeyOfForm]
    permission_classes = [Public, WithoutAccount]
    parser_classes = [FormParser]
    renderer_classes = [JSONRenderer, XMLRenderer]
    content_negotiation_class = ByAddress
    schema = Schema()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        refuse_unknown(request, {"jurisdiction_id", *self.known})
        refuse_elsewhere(request.query_params.get("jurisdiction_id"))

    def get_exception_handler(self) -> Any:
        return as_the_standard_says


def refuse_elsewhere(jurisdiction: str | None) -> None:
    """Raises Http404 for another city's jurisdiction. An empty parameter is none, as everywhere in the standard."""
    ours = settings.OPEN311_JURISDICTION
    if jurisdiction and ours and jurisdiction != ours:
        raise Http404


def as_the_standard_says(exc: Exception, view_context: dict[str, Any]) -> Response | None:
    """A problem as `[{code, description}]`."""
    response = problems.exception_handler(exc, view_context)
    if response is None:
        return None
    problem = response.data
    if response.status_code == 401:
        problem["detail"] = "The api_key is missing or not valid."
    response.status_code = REFUSED.get(response.status_code, response.status_code)
    told = [f"{error['pointer'].lstrip('#/')}: {error['detail']}".lstrip(": ") for error in problem.get("errors", [])]
    response.data = [
        {"code": response.status_code, "description": description} for description in told or [problem["detail"]]
    ]
    response.content_type = None
    response.headers.pop("WWW-Authenticate", None)
    renderer = FORMATS[view_context["kwargs"].get("form", "xml")]()
    view_context["request"].accepted_renderer = renderer
    view_context["request"].accepted_media_type = renderer.media_type
    return response
