"""What the pages of people need and an API request does not, which brings a bearer token and no cookie."""

from __future__ import annotations

from dataclasses import asdict
from functools import cached_property
from typing import Any

from csp.constants import HEADER, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from csp.middleware import CSPMiddleware
from csp.utils import build_policy
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse


class _PassedBy:
    """Without a cookie there is no session, and nobody who logged in by one. The CSRF check stays on for all."""

    get_response: Any

    def __call__(self, request: HttpRequest) -> Any:
        if not request.META.get("HTTP_COOKIE") and request.path_info.startswith("/api/"):
            return self.get_response(request)
        return super().__call__(request)  # type: ignore[misc]


class Sessions(_PassedBy, SessionMiddleware):
    pass


class Authentication(_PassedBy, AuthenticationMiddleware):
    pass


class Messages(_PassedBy, MessageMiddleware):
    pass


class ContentSecurity(CSPMiddleware):
    """The policy, relaxed where it must be: inline scripts of the console's widgets, inline styles of the API docs."""

    def process_response(self, request: HttpRequest, response: Any) -> HttpResponse:
        path = request.path_info
        if path.startswith("/admin/"):
            response._csp_update = {
                "script-src": [SELF, UNSAFE_INLINE, UNSAFE_EVAL],
                "style-src": [SELF, UNSAFE_INLINE],
                "img-src": [SELF, "data:"],
            }
        elif path.startswith("/api/v1/docs"):
            response._csp_update = {"style-src": [SELF, UNSAFE_INLINE]}
        elif path.startswith("/api/"):
            response.headers.setdefault(HEADER, self._usual)
            return response
        return super().process_response(request, response)  # type: ignore[return-value]

    @cached_property
    def _usual(self) -> str:
        return build_policy(**asdict(self.get_policy_parts(HttpRequest(), HttpResponse())))
