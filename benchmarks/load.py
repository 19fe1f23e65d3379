"""A closed-loop HTTP client that costs little: each connection sends its next request when it has its answer."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass

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
        """Read what is there. True: the answer is complete. Raises RuntimeError for anything but success."""
        part = self.socket.recv(262_144)
        if not part:
            raise RuntimeError(f"the server hung up: {self.received[:500]!r}")
        self.received += part
        head, separator, body = self.received.partition(b"\r\n\r\n")
        if not separator:
            return False
        if not head.startswith(b"HTTP/1.1 2"):
            raise RuntimeError(f"refused: {self.received[:1000]!r}")
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
