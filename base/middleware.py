"""What every HTTP request passes through."""

import ipaddress
import re
from collections.abc import Callable
from contextlib import suppress

from csp.constants import SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import is_valid_path

from base import context
from base.problems import problem_response, unsafe_path

Handler = Callable[[HttpRequest], HttpResponse]
CORRELATION_ID = re.compile(r"^[A-Za-z0-9._-]{8,64}$")


def health(get_response: Handler) -> Handler:
    """Answer /healthz (the process lives) and /readyz (it can serve: PostgreSQL answers and is migrated)."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.path_info == "/healthz":
            return JsonResponse({"status": "ok"})
        if request.path_info == "/readyz":
            return _readiness()
        return get_response(request)

    return middleware


def _readiness() -> HttpResponse:
    # Redis is not asked: without it requests are still accepted and their work runs later.
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass('tasks_task') IS NOT NULL")
            ready = cursor.fetchone()[0]
    except DatabaseError:
        ready = False
    if ready:
        return JsonResponse({"status": "ready"})
    return JsonResponse({"status": "not ready"}, status=503, headers={"Retry-After": "5"})


def either_slash(get_response: Handler) -> Handler:
    """Serve an API path with a missing or extra trailing slash as the path it means, without a redirect."""

    def middleware(request: HttpRequest) -> HttpResponse:
        path = request.path_info
        if path.startswith("/api/"):
            if unsafe_path(path):
                return problem_response(request, 404, detail="There is nothing at this address.")
            if not is_valid_path(path):
                other = path.rstrip("/") if path.endswith("/") else path + "/"
                if is_valid_path(other):
                    request.path_info = other
        return get_response(request)

    return middleware


def request_context(get_response: Handler) -> Handler:
    """Give the request its correlation id (kept from X-Request-ID when well-formed), address and agent."""

    def middleware(request: HttpRequest) -> HttpResponse:
        offered = request.headers.get("X-Request-ID", "")
        correlation_id = offered if CORRELATION_ID.match(offered) else context.new_correlation_id()
        agent = request.headers.get("User-Agent", "").replace("\x00", "")[:300]
        with context.acting(
            correlation_id=correlation_id, actor="anonymous", user_id=None, ip=client_ip(request), user_agent=agent
        ):
            if request.path_info.startswith("/admin/"):  # the API authenticates by itself, per view
                context.identify(request.user)
            response = get_response(request)
        response["X-Request-ID"] = correlation_id
        return response

    return middleware


def client_ip(request: HttpRequest) -> str | None:
    """The peer's address; behind NUM_PROXIES proxies, the address the outermost trusted one saw."""
    forwarded = request.headers.get("X-Forwarded-For", "").split(",")
    proxies = settings.NUM_PROXIES
    candidate = forwarded[-proxies].strip() if 0 < proxies <= len(forwarded) else ""
    for address in (candidate, request.META.get("REMOTE_ADDR") or ""):
        with suppress(ValueError):
            return str(ipaddress.ip_address(address))
    return None


def console_content_security(get_response: Handler) -> Handler:
    """Relax the policy where it must be: inline scripts of the console's widgets, inline styles of the API docs."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if request.path_info.startswith("/admin/"):
            response._csp_update = {  # type: ignore[attr-defined]
                "script-src": [SELF, UNSAFE_INLINE, UNSAFE_EVAL],
                "style-src": [SELF, UNSAFE_INLINE],
                "img-src": [SELF, "data:"],
            }
        elif request.path_info.startswith("/api/v1/docs"):
            response._csp_update = {"style-src": [SELF, UNSAFE_INLINE]}  # type: ignore[attr-defined]
        return response

    return middleware
