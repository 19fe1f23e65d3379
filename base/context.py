"""Who asks, from where, and under which correlation id: known to every line of code that serves one request or task."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Context:
    """`actor` is `user:<id>`, `task:<name>`, `command:<name>`, `scheduler` or `anonymous`."""

    correlation_id: str = ""
    actor: str = "system"
    user_id: int | None = None
    ip: str | None = None
    user_agent: str = ""


NOBODY = Context()
_current: ContextVar[Context] = ContextVar("millrace_context", default=NOBODY)


def current() -> Context:
    return _current.get()


def new_correlation_id() -> str:
    return uuid.uuid4().hex


@contextmanager
def acting(**fields: object) -> Iterator[Context]:
    """Run a block under a changed context; log lines inside carry its correlation id and actor."""
    context = replace(current(), **fields)  # type: ignore[arg-type]
    token = _current.set(context)
    try:
        yield context
    finally:
        _current.reset(token)


def add_to_log(logger: Any, method: str, event: Any) -> Any:
    """structlog's processor: whose work a line belongs to."""
    context = current()
    if context is not NOBODY:
        event.setdefault("correlation_id", context.correlation_id)
        event.setdefault("actor", context.actor)
    return event


def identify(user: object) -> None:
    """Note the authenticated user on the running request. Called by authentication, after the request began."""
    user_id = getattr(user, "pk", None)
    if user_id is not None:
        _current.set(replace(current(), actor=f"user:{user_id}", user_id=user_id))
