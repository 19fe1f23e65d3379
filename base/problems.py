"""Every error as RFC 9457 problem details: type, title, status, detail, instance, and errors for bad fields."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation, TooManyFieldsSent
from django.db import DataError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.views import defaults
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler as drf_exception_handler
from rest_framework.views import set_rollback

from base import context
from base.renderers import JSONRenderer

logger = logging.getLogger(__name__)
CONTENT_TYPE = "application/problem+json"


class Conflict(exceptions.APIException):
    """The request is well-formed but the state of things forbids it."""

    status_code = 409
    default_detail = "The request conflicts with the present state."
    default_code = "conflict"


class Unprocessable(exceptions.APIException):
    status_code = 422
    default_detail = "The request cannot be processed."
    default_code = "unprocessable"


class Unavailable(exceptions.APIException):
    """A part we need is away for a moment; the client may try again after `wait` seconds."""

    status_code = 503
    default_detail = "The service is not available for a moment."
    default_code = "unavailable"
    wait = 5


def problem(status: int, *, detail: str = "", errors: list[dict[str, str]] | None = None) -> dict[str, Any]:
    title = HTTPStatus(status).phrase
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail or title,
        "instance": f"urn:request:{context.current().correlation_id}",
    }
    if errors:
        body["errors"] = errors
    return body


def problem_response(request: HttpRequest, status: int, *, detail: str = "") -> HttpResponse:
    return HttpResponse(json.dumps(problem(status, detail=detail)), status=status, content_type=CONTENT_TYPE)


def exception_handler(exc: Exception, view_context: dict[str, Any]) -> Response | None:
    """DRF's hook. An unknown exception is re-raised by DRF and ends in `server_error`."""
    exc = _as_api_exception(exc)
    response = drf_exception_handler(exc, view_context)
    if response is None:
        return None
    if isinstance(exc, exceptions.ValidationError):
        errors = list(field_errors(exc.detail))
        detail = errors[0]["detail"] if len(errors) == 1 else f"{len(errors)} fields are not valid."
        response.data = problem(response.status_code, detail=detail, errors=errors)
    else:
        detail = getattr(exc, "detail", "")
        if isinstance(detail, dict):  # simplejwt says {"detail": ..., "code": ..., "messages": ...}
            detail = detail.get("detail", "")
        response.data = problem(response.status_code, detail=str(detail))
    response.content_type = CONTENT_TYPE
    request = view_context["request"]  # whatever the view renders or the client accepts, errors are JSON
    request.accepted_renderer, request.accepted_media_type = JSONRenderer(), JSONRenderer.media_type
    return response


def _as_api_exception(exc: Exception) -> Exception:
    """Give the exceptions of Django and PostgreSQL the status a client should see."""
    match exc:
        case Http404():
            return exceptions.NotFound("There is nothing here, or it is not yours to see.")
        case RequestDataTooBig() | TooManyFieldsSent():
            too_big = exceptions.APIException("The request is too large.")
            too_big.status_code = 413
            return too_big
        case SuspiciousOperation() | UnreadablePostError():
            return exceptions.ParseError("The request could not be read.")
        case DataError():
            set_rollback()
            return exceptions.ValidationError("A value is outside what can be stored.")
        case OperationalError():
            set_rollback()
            logger.warning("database unavailable: %s", type(exc.__cause__ or exc).__name__)
            return Unavailable()
    return exc


def field_errors(detail: Any, pointer: str = "") -> Iterator[dict[str, str]]:
    """A ValidationError's detail as JSON pointers with a sentence each."""
    if isinstance(detail, dict):
        for key, value in detail.items():
            step = "" if key == "non_field_errors" else f"/{key}"
            yield from field_errors(value, pointer + step)
    elif isinstance(detail, list):
        nested = any(isinstance(item, dict | list) for item in detail)
        for index, item in enumerate(detail):
            yield from field_errors(item, f"{pointer}/{index}" if nested else pointer)
    else:
        yield {"pointer": f"#{pointer}", "detail": str(detail)}


def unsafe_path(path: str) -> bool:
    return "\x00" in path or any("\ud800" <= char <= "\udfff" for char in path)


# Django's own handlers, for what never reaches a view.


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problem_response(request, 400, detail="The request could not be read.")


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _for_a_person(request):
        return defaults.permission_denied(request, exception)
    return problem_response(request, 403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _for_a_person(request):
        return defaults.page_not_found(request, exception)
    return problem_response(request, 404, detail="There is nothing at this address.")


def _for_a_person(request: HttpRequest) -> bool:
    """The console's pages answer in HTML; everything else talks to programs."""
    return request.path_info.startswith("/admin/")


def server_error(request: HttpRequest) -> HttpResponse:
    return problem_response(request, 500, detail="Something broke on our side; it has been logged.")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return problem_response(request, 403, detail="The form's security token is missing or old; reload the page.")
