"""The OpenAPI schema's one addition: every operation can answer with a problem."""

from __future__ import annotations

from typing import Any

from drf_spectacular.openapi import AutoSchema

PROBLEM = {
    "type": "object",
    "description": "RFC 9457 problem details.",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
                "required": ["pointer", "detail"],
            },
        },
    },
    "required": ["type", "title", "status", "detail", "instance"],
}
PROBLEMS = {
    "400": "The request is not valid.",
    "401": "Who is asking is not known.",
    "403": "The caller's role does not allow it.",
    "404": "Nothing here, or not the caller's to see.",
    "405": "The method is not served here.",
    "406": "No representation the client accepts.",
    "409": "The present state forbids it.",
    "412": "It has changed since it was read.",
    "413": "The request is too large.",
    "415": "The media type is not taken here.",
    "422": "The request cannot be processed.",
    "429": "Too many requests; see Retry-After.",
    "503": "Not available for a moment; see Retry-After.",
}
# The web server says these itself, before anything of ours reads the request (config/gunicorn.py).
UNREAD = {"414": "The address is longer than 4,094 bytes.", "431": "The headers are too many or too long."}


class ProblemAutoSchema(AutoSchema):
    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        operation = super().get_operation(*args, **kwargs)
        if operation is not None:
            for status, description in UNREAD.items():
                operation["responses"].setdefault(status, {"description": description})
            for status, description in PROBLEMS.items():
                operation["responses"].setdefault(
                    status,
                    {"description": description, "content": {"application/problem+json": {"schema": PROBLEM}}},
                )
        return operation
