"""One end for a whole HTTP request, however slowly the other side drips."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Any

from requests.adapters import HTTPAdapter


class Deadline:
    """Cuts a connection when its time is over, whatever it is doing: timeouts of sockets begin anew with each byte."""

    def __init__(self, seconds: float) -> None:
        self.passed = False
        self._line: socket.socket | None = None
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        with self._lock:
            if self._line is not None:
                self._line.close()
                self._line = None

    def watched(self, base: type) -> type:
        """A connection class whose socket is cut at the deadline."""
        deadline = self

        class Watched(base):  # type: ignore[misc]
            def _new_conn(self) -> socket.socket:
                made = super()._new_conn()
                deadline._watch(made)
                return made

        return Watched

    def _watch(self, line: socket.socket) -> None:
        with self._lock:
            self._line = line.dup()  # TLS takes the original over
            if self.passed:
                self._shut()

    def _cut(self) -> None:
        with self._lock:
            self.passed = True
            self._shut()

    def _shut(self) -> None:
        if self._line is not None:
            with suppress(OSError):
                self._line.shutdown(socket.SHUT_RDWR)


class TimedAdapter(HTTPAdapter):
    """Connections of a session that end at the deadline."""

    def __init__(self, deadline: Deadline) -> None:
        super().__init__()
        self.deadline = deadline

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool = super().get_connection_with_tls_context(*args, **kwargs)
        pool.ConnectionCls = self.deadline.watched(pool.ConnectionCls)
        return pool
