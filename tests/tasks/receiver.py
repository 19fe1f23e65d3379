"""A receiver of webhooks on loopback that answers as a test tells it to, and remembers what it was sent."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Receiver:
    url: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"thanks"
    delay_s: float = 0
    drip: str = ""  # send the head or the body a byte at a time, for ever
    received: list[tuple[str, dict[str, str], str]] = field(default_factory=list)
    sent_bytes: int = 0

    @property
    def messages(self) -> list[Any]:
        import json

        return [json.loads(body) for _, _, body in self.received]


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            receiver.received.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            time.sleep(receiver.delay_s)
            try:
                self.answer()
            except OSError:  # the sender had enough
                self.close_connection = True

        def answer(self) -> None:
            if receiver.drip == "head":
                self.wfile.write(b"HTTP/1.0 200 OK\r\nX-Long: ")
                self.go_on()
            self.send_response(receiver.status)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.end_headers()
            if receiver.drip == "body":
                self.go_on()
            for start in range(0, len(receiver.body), 65_536):
                self.wfile.write(receiver.body[start : start + 65_536])
                receiver.sent_bytes += 65_536

        def go_on(self) -> None:
            for _ in range(600):
                self.wfile.write(b"x")
                time.sleep(0.05)

        do_GET = do_POST

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook?key=k3y"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
