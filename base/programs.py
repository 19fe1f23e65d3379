"""The short way of programs: a request with a bearer and no cookie passes by what only people's pages need.

It has the same headers, and whatever is not plain about it (a host that is not ours, a redirect to TLS) is left to the
long way. The CSRF check is none of what is passed by: Django makes it beside the view.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.security import SecurityMiddleware

from base.pages import ContentSecurity

Handler = Callable[[HttpRequest], HttpResponse]
_behind_pages: Handler


def end_of_pages(get_response: Handler) -> Handler:
    """Where both ways meet again: all that follows in the settings is for everybody."""
    global _behind_pages
    _behind_pages = get_response  # Django loads middleware from the last to the first
    return get_response


def short_way(get_response: Handler) -> Handler:
    behind_pages = _behind_pages

    def middleware(request: HttpRequest) -> HttpResponse:
        if not _is_plain(request):
            return get_response(request)
        response = behind_pages(request)
        present = response.headers
        for name, value in _headers(request.is_secure()):
            present.setdefault(name, value)
        if not response.streaming and "Content-Length" not in present:
            present["Content-Length"] = str(len(response.content))
        return response

    return middleware


def _is_plain(request: HttpRequest) -> bool:
    meta = request.META
    if not request.path_info.startswith("/api/") or "HTTP_AUTHORIZATION" not in meta or meta.get("HTTP_COOKIE"):
        return False
    try:
        request.get_host()
    except DisallowedHost:
        return False
    return not settings.SECURE_SSL_REDIRECT or request.is_secure()


@lru_cache
def _headers(secure: bool) -> list[tuple[str, str]]:
    """What the pages' middleware adds to an empty answer."""
    request, response = HttpRequest(), HttpResponse()
    request.path = request.path_info = "/api/"
    request._get_scheme = lambda: "https" if secure else "http"  # type: ignore[attr-defined]
    for kind in (SecurityMiddleware, XFrameOptionsMiddleware, ContentSecurity):
        response = kind(lambda _: HttpResponse()).process_response(request, response)
    return [(name, value) for name, value in response.headers.items() if name != "Content-Type"]
