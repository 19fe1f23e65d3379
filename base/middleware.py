"""What every HTTP request passes through."""

import ipaddress
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

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
            request.path_info = _meant(path, settings.ROOT_URLCONF)
        return get_response(request)

    return middleware


@lru_cache(1024)
def _meant(path: str, urlconf: Any) -> str:
    if not is_valid_path(path, urlconf):
        other = path.rstrip("/") if path.endswith("/") else path + "/"
        if is_valid_path(other, urlconf):
            return other
    return path


def request_context(get_response: Handler) -> Handler:
    """Give the request its correlation id (kept from X-Request-ID when well-formed), address and agent."""

    def middleware(request: HttpRequest) -> HttpResponse:
        offered = request.META.get("HTTP_X_REQUEST_ID", "")
        correlation_id = offered if CORRELATION_ID.match(offered) else context.new_correlation_id()
        agent = request.META.get("HTTP_USER_AGENT", "").replace("\x00", "")[:300]
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
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    proxies = settings.NUM_PROXIES
    candidate = forwarded[-proxies].strip() if 0 < proxies <= len(forwarded) else ""
    return _address(candidate) or _address(request.META.get("REMOTE_ADDR") or "")


@lru_cache(1024)
def _address(text: str) -> str | None:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None
