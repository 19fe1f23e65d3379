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

from tasks.definitions import PermanentError, TemporaryError


class SmsRefused(PermanentError):
    """The message will never be taken. Its words are ours: nothing of the message is in them."""


class SmsDelayed(TemporaryError):
    """The message cannot be taken now. Its words are ours too."""


class SmsBackend(Protocol):
    def send(self, *, to: str, text: str, message_id: str) -> None:
        """Hand over one message to an E.164 number. The id is the same when it is sent again. May raise anything."""


def send(*, to: str, text: str, message_id: str) -> None:
    """Send one message by settings.SMS_BACKEND. Raises SmsRefused, SmsDelayed.

    What else a backend raises may quote the message, so of that only the kind is told.
    """
    backend: SmsBackend = import_string(settings.SMS_BACKEND)()
    try:
        backend.send(to=to, text=text, message_id=message_id)
    except (SmsRefused, SmsDelayed):
        raise
    except Exception as error:
        raise SmsDelayed(f"the SMS backend failed: {type(error).__name__}") from None


class FileBackend:
    """One JSON file for each message under OUTBOX_DIR/sms, complete from the moment it has its name."""

    def send(self, *, to: str, text: str, message_id: str) -> None:
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

    def send(self, *, to: str, text: str, message_id: str) -> None:
        sys.stdout.write(f"SMS to {to}: {text}\n")
        sys.stdout.flush()
