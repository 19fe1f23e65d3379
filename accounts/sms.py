"""Text messages, sent through the class that settings.SMS_BACKEND names."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from typing import Protocol
from uuid import uuid4

from django.conf import settings
from django.utils.module_loading import import_string


class SmsBackend(Protocol):
    def send(self, *, to: str, text: str) -> None:
        """Hand over one message; `to` is E.164. May raise anything."""


def send(*, to: str, text: str) -> None:
    """Send one message. Raises what the backend raises, which may quote the message: do not log or store it."""
    backend: SmsBackend = import_string(settings.SMS_BACKEND)()
    backend.send(to=to, text=text)


class FileBackend:
    """One JSON file for each message under OUTBOX_DIR/sms, complete from the moment it has its name."""

    def send(self, *, to: str, text: str) -> None:
        folder = settings.OUTBOX_DIR / "sms"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        now = datetime.now(UTC)
        name = f"{now:%Y%m%dT%H%M%S.%fZ}-{uuid4().hex[:8]}.json"
        hidden = folder / f".{name}"
        content = json.dumps({"to": to, "text": text, "sent_at": now.isoformat()})
        with open(os.open(hidden, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(content)
        hidden.rename(folder / name)


class ConsoleBackend:
    """Prints the message where the worker runs; for development."""

    def send(self, *, to: str, text: str) -> None:
        sys.stdout.write(f"SMS to {to}: {text}\n")
        sys.stdout.flush()
