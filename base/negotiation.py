"""Which parser and renderer serve a request, without reading media types where they are plain."""

from __future__ import annotations

from typing import Any

from rest_framework.negotiation import DefaultContentNegotiation

ANYTHING = "*/*"


class Negotiation(DefaultContentNegotiation):
    def select_parser(self, request: Any, parsers: Any) -> Any:
        for parser in parsers:
            if parser.media_type == request.content_type:
                return parser
        return super().select_parser(request, parsers)

    def select_renderer(self, request: Any, renderers: Any, format_suffix: str | None = None) -> Any:
        meta, first = request.META, renderers[0]
        if meta.get("HTTP_ACCEPT", ANYTHING) in (ANYTHING, first.media_type) and not (
            meta.get("QUERY_STRING") or format_suffix
        ):
            return first, first.media_type
        return super().select_renderer(request, renderers, format_suffix)


class AnyMediaType(DefaultContentNegotiation):
    """For views that answer with a file, which is what it is; their errors are JSON."""

    def select_renderer(self, request: Any, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type
