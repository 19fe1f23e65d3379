"""Server-sent events: one task as it goes, and the dashboard."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from typing import Any

from django.db import connection
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import Throttled, ValidationError
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from base.problems import Unavailable
from base.queries import refuse_unknown
from base.roles import EVERYONE, STAFF
from tasks import hub
from tasks.happenings import BadPosition, End, Position, events_of, snapshots
from tasks.views.access import seen_task

LASTS_S = 600.0  # then the client comes back by itself, and is asked again who it is
PING_S = 15.0
LOOK_S = 1.0  # how soon a stream notices that its client is gone
COME_BACK_S = 5
HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
LAST_EVENT_ID = OpenApiParameter(
    "Last-Event-ID", str, OpenApiParameter.HEADER, description="Continue after this event; sent by browsers themselves."
)
STREAM = {(200, "text/event-stream"): OpenApiTypes.STR}


class EventStreamRenderer(BaseRenderer):
    """Only stands for the media type: a stream writes itself."""

    media_type, format, charset = "text/event-stream", "event-stream", None

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        raise NotImplementedError


class Stream:
    """The body of a stream: what its feed brings, until the client, the feed, the process or the time is over."""

    def __init__(self, request: Request, feed: hub.Feed) -> None:
        self.feed, self.socket = feed, request.META.get("gunicorn.socket")
        try:
            self._give_back = hub.slots.take(self, request.user.pk or 0)
        except hub.Full as full:
            if full.mine:
                raise Throttled(COME_BACK_S, str(full)) from None
            raise Unavailable(f"{full} Poll instead, or come back.") from None
        self._parts = self._write()

    def __iter__(self) -> Iterator[str]:
        return self._parts

    def close(self) -> None:
        """Called by the server at the end of the answer, however it ends."""
        self._parts.close()
        self._give_back()

    def _write(self) -> Any:
        connection.close()  # the thread is held for minutes; its connection must not be
        yield "retry: 2000\n\n"
        until = time.monotonic() + LASTS_S
        wrote = time.monotonic()
        with hub.hub.listening(self.feed):
            while time.monotonic() < until and not hub.stopping() and not self._is_alone():
                events = hub.hub.take(self.feed, timeout_s=LOOK_S)
                if events:
                    yield "".join(event.encode() for event in events)
                    wrote = time.monotonic()
                elif self.feed.over:
                    return
                elif time.monotonic() - wrote >= PING_S:
                    yield ": ping\n\n"
                    wrote = time.monotonic()

    def _is_alone(self) -> bool:
        """The client has closed its end. Without looking, that would show only when writing fails."""
        try:
            return self.socket is not None and self.socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True


class StreamView(APIView):
    renderer_classes = [EventStreamRenderer]
    http_method_names = ["get", "options"]

    def streamed(self, request: Request, feed: hub.Feed) -> HttpResponseBase:
        return StreamingHttpResponse(Stream(request, feed), content_type="text/event-stream", headers=HEADERS)


def place_of(request: Request, parse: Any, default: Any) -> Any:
    """What `Last-Event-ID` says. One that this stream never gave is a client's mistake, and told so."""
    text = request.headers.get("Last-Event-ID", "")
    try:
        return parse(text) if text else default
    except BadPosition as error:
        raise ValidationError({"Last-Event-ID": [str(error)]}) from None


class TaskEvents(StreamView):
    """One task as it goes: `created`, `started`, `progress`, `attempt_ended`, and its final state as the last event.

    204, at which browsers stop coming back, when the task has ended and `Last-Event-ID` names its last event.
    """

    roles = EVERYONE

    @extend_schema(tags=["task streams"], parameters=[LAST_EVENT_ID], responses={**STREAM, 204: None})
    def get(self, request: Request, task_id: Any) -> HttpResponseBase:
        refuse_unknown(request, {"format"})
        seen_task(request.user, task_id)
        position = place_of(request, Position.parse, Position())
        task = snapshots([str(task_id)])[str(task_id)]
        if task.has_ended and not any(position.is_before(later) for later, _ in events_of(task)):
            return HttpResponse(status=204)
        return self.streamed(request, hub.TaskFeed(task.id, position))


class DashboardEvents(StreamView):
    """For staff: `ready`, then `ended` for each task that ends, two seconds later, and `stats` every five seconds.

    `reset` in place of more than 1,000 `ended` at once: read the list instead.
    """

    roles = STAFF

    @extend_schema(tags=["task streams"], operation_id="tasks_events", parameters=[LAST_EVENT_ID], responses=STREAM)
    def get(self, request: Request) -> HttpResponseBase:
        refuse_unknown(request, {"format"})
        return self.streamed(request, hub.DashboardFeed(place_of(request, End.parse, None)))
