"""An HTTP client that costs little. Closed loop: each connection sends its next request when it has its answer.

Held: each request is due at its moment of a fixed schedule, whatever became of those before it.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.measure import percentile


@dataclass(frozen=True, slots=True)
class Load:
    """Answer times in milliseconds, and how long the whole took in seconds."""

    times_ms: list[float]
    seconds: float

    @property
    def p50(self) -> float:
        return percentile(self.times_ms, 50)

    @property
    def p95(self) -> float:
        return percentile(self.times_ms, 95)

    @property
    def per_s(self) -> float:
        return len(self.times_ms) / self.seconds


def post(path: str, body: bytes, *, token: str = "", address: str = "127.0.0.1", media: str = "json") -> bytes:
    """A whole request, ready to be sent."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Type: application/{media}"]
    lines += [f"Content-Length: {len(body)}", f"X-Forwarded-For: {address}"]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def get(path: str, *, token: str = "", address: str = "127.0.0.1", cookie: str = "") -> bytes:
    """A whole request, ready to be sent."""
    lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", f"X-Forwarded-For: {address}"]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    if cookie:
        lines.append(f"Cookie: {cookie}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


class Refused(RuntimeError):
    """Not the answer that was asked for; the message has its beginning."""


@dataclass(slots=True)
class Held:
    """Milliseconds from the moment a request was due to its answer, and what went wrong.

    seconds: from the first moment to the last answer. most_waiting: due, with no connection free.
    """

    times_ms: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    seconds: float = 0.0
    most_waiting: int = 0


class _Connection:
    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""
        self.sent_at = 0.0

    def send(self, request: bytes) -> None:
        self.received = b""
        self.sent_at = time.perf_counter()
        self.socket.sendall(request)

    def receive(self) -> bool:
        """Read what is there. True: the answer is complete. Raises Refused for anything but success."""
        part = self.socket.recv(262_144)
        if not part:
            raise Refused(f"the server hung up: {self.received[:500]!r}")
        self.received += part
        head, separator, body = self.received.partition(b"\r\n\r\n")
        if not separator:
            return False
        if not head.startswith(b"HTTP/1.1 2"):
            raise Refused(f"refused: {self.received[:1000]!r}")
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        return len(body) >= int(fields[b"content-length"])


def run(requests: Sequence[bytes], *, port: int, connections: int) -> Load:
    """Send each request once, over so many connections."""
    todo = iter(requests)
    times: list[float] = []
    opened = [_Connection(port) for _ in range(min(connections, len(requests)))]
    with selectors.DefaultSelector() as selector:
        started = time.perf_counter()
        for connection in opened:
            selector.register(connection.socket, selectors.EVENT_READ, connection)
            connection.send(next(todo))
        while len(times) < len(requests):
            for key, _ in selector.select(30):
                connection = key.data
                if connection.receive():
                    times.append((time.perf_counter() - connection.sent_at) * 1000)
                    if (request := next(todo, None)) is not None:
                        connection.send(request)
        seconds = time.perf_counter() - started
    for connection in opened:
        connection.socket.close()
    return Load(times, seconds)


def held(requests: Sequence[bytes], *, port: int, rate: float, connections: int) -> Held:
    """Send so many a second, and go on when one fails."""
    done, free = Held(), deque(_Connection(port) for _ in range(connections))
    due: deque[tuple[float, bytes]] = deque()
    with selectors.DefaultSelector() as selector:
        started = time.perf_counter()
        schedule = deque((started + n / rate, request) for n, request in enumerate(requests))
        while schedule or due or selector.get_map():
            while schedule and schedule[0][0] <= time.perf_counter():
                due.append(schedule.popleft())
            while due and free:
                moment, request = due.popleft()
                connection = free.popleft()
                connection.send(request)
                connection.sent_at = moment
                selector.register(connection.socket, selectors.EVENT_READ, connection)
            done.most_waiting = max(done.most_waiting, len(due))
            patience_s = max(0.0, schedule[0][0] - time.perf_counter()) if schedule else 1.0
            for key, _ in selector.select(patience_s):
                connection = key.data
                try:
                    if not connection.receive():
                        continue
                    done.times_ms.append((time.perf_counter() - connection.sent_at) * 1000)
                except (Refused, OSError) as error:
                    done.errors.append(str(error)[:200])
                    selector.unregister(connection.socket)
                    connection.socket.close()
                    free.append(_Connection(port))
                    continue
                selector.unregister(connection.socket)
                free.append(connection)
        done.seconds = time.perf_counter() - started
    for connection in free:
        connection.socket.close()
    return done
