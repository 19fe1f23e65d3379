"""Hand one message to the mail server, and say which failures are worth another try."""

from __future__ import annotations

import os
import smtplib

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends import filebased

from tasks.definitions import PermanentError, TemporaryError


class MailRefused(PermanentError):
    """The mail server will never take this message."""


class MailDelayed(TemporaryError):
    """The mail server cannot take this message now."""


def deliver(*, message_id: str, to: str, subject: str, text: str, html: str = "", sender: str = "") -> None:
    """Send by settings.EMAIL_BACKEND. Raises MailRefused or MailDelayed, neither with a word of the message.

    message_id: what comes before the @; stays the same when the same message is sent again.
    """
    sender = sender or settings.DEFAULT_FROM_EMAIL
    headers = {"Message-ID": f"<{message_id}@{_host(sender)}>", "Auto-Submitted": "auto-generated"}
    message = EmailMultiAlternatives(subject, text, sender, [to], headers=headers)
    if html:
        message.attach_alternative(html, "text/html")
    try:
        message.send()
    except Exception as error:
        raise _in_words(error) from None


def _in_words(error: Exception) -> Exception:
    match error:
        case smtplib.SMTPAuthenticationError():  # of the settings, which somebody will repair
            return MailDelayed("The mail server does not let us log in.")
        case smtplib.SMTPRecipientsRefused():
            code = min((answer[0] for answer in error.recipients.values()), default=0)
        case smtplib.SMTPResponseException():
            code = error.smtp_code
        case ValueError() | smtplib.SMTPNotSupportedError():
            return MailRefused(f"The message cannot be sent: {type(error).__name__}.")
        case _:
            return MailDelayed(f"The mail server could not be reached: {type(error).__name__}.")
    kind = MailRefused if 500 <= code < 600 else MailDelayed
    return kind(f"The mail server answered {code}.")


def _host(address: str) -> str:
    return address.rpartition("@")[2].rstrip("> ") or "localhost"


class FileBackend(filebased.EmailBackend):
    """Django's files under EMAIL_FILE_PATH, for nobody else to read: links in mail open things."""

    def open(self) -> bool:
        if self.stream is not None:
            return False
        self.stream = open(self._get_filename(), "ab", opener=_private)
        return True


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
