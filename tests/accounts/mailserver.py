"""A mail server of a few lines on loopback: it takes what it is given, or answers as told."""

from __future__ import annotations

import email
import socketserver
import threading
from collections.abc import Iterator
from email.message import Message

import pytest


class MailServer(socketserver.ThreadingTCPServer):
    daemon_threads = allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Talk)
        self.messages: list[Message] = []
        self.answer = b"250 taken"  # to who should get it
        self.port: int = self.server_address[1]


class Talk(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self.say(b"220 ready")
        while line := self.rfile.readline().strip().upper():
            match line[:4]:
                case b"RCPT":
                    self.say(self.server.answer)
                case b"DATA":
                    self.say(b"354 go on")
                    lines = iter(self.rfile.readline, b".\r\n")
                    self.server.messages.append(email.message_from_bytes(b"".join(lines)))
                    self.say(b"250 taken")
                case b"QUIT":
                    return self.say(b"221 bye")
                case _:
                    self.say(b"250 ok")
        return None

    def say(self, words: bytes) -> None:
        self.wfile.write(words + b"\r\n")


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    with MailServer() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()
