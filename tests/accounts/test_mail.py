import smtplib
import stat
from datetime import timedelta

import pytest
from django.core import mail
from django.db import transaction

from accounts.delivery import MailDelayed, MailRefused, deliver
from accounts.models import Mail
from accounts.services import send_mail
from accounts.tasks import send_mail as send_mail_task
from tasks.models import Task
from tasks.testing import advance, failing, run_due
from tests.accounts.mailserver import mail_server  # noqa: F401 - the fixture

LETTER = {"to": "ann@example.org", "subject": "Your report\nis done", "body": "Somebody fixed the street light."}


def send() -> Mail:
    send_mail(**LETTER, about=("report", "r1"))
    return Mail.objects.get()


@pytest.mark.django_db
def test_mail_goes_out_behind_once_and_says_which_it_is():
    row = send()
    assert mail.outbox == []
    run_due()
    send_mail_task.call(mail_id=str(row.pk))
    [message] = mail.outbox
    assert (message.to, message.subject) == (["ann@example.org"], "Your report is done")
    assert str(row.pk) in message.extra_headers["Message-ID"]
    row.refresh_from_db()
    assert row.sent_at is not None


@pytest.mark.django_db
def test_the_task_knows_the_row_and_not_the_words():
    row = send()
    task = Task.objects.get()
    assert task.kwargs == {"mail_id": str(row.pk)} and (task.subject_type, task.subject_id) == ("report", "r1")


@pytest.mark.django_db
def test_who_rolls_back_mails_nobody():
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        send()
        raise ZeroDivisionError
    assert not Mail.objects.exists() and not Task.objects.exists()


@pytest.mark.django_db
def test_what_is_sent_again_after_a_crash_carries_the_same_id():
    send()
    with failing(send_mail_task, after=True):
        run_due()
    Mail.objects.update(sent_at=None)  # as if the crash had come before the row was changed
    advance(timedelta(minutes=1))
    run_due()
    first, second = mail.outbox
    assert first.extra_headers["Message-ID"] == second.extra_headers["Message-ID"]


def test_a_real_server_gets_the_message(mail_server, settings):  # noqa: F811
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_PORT = mail_server.port
    deliver(message_id="m-1", to="ann@example.org", subject="Hello", text="Grüße", html="<p>Grüße</p>")
    [message] = mail_server.messages
    assert message["To"] == "ann@example.org" and message["Message-ID"] == "<m-1@localhost>"
    assert [part.get_content_type() for part in message.walk()][1:] == ["text/plain", "text/html"]


@pytest.mark.parametrize(
    ("answer", "kind"), [(b"550 no such person", MailRefused), (b"451 full of ann@example.org", MailDelayed)]
)
def test_a_server_that_does_not_take_it_now_or_ever(mail_server, settings, answer, kind):  # noqa: F811
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_PORT, mail_server.answer = mail_server.port, answer
    with pytest.raises(kind) as refusal:
        deliver(message_id="m-1", to="ann@example.org", subject="Hello", text="secret words")
    assert str(refusal.value) == f"The mail server answered {answer[:3].decode()}."


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ConnectionRefusedError("secret words"), MailDelayed),
        (TimeoutError(), MailDelayed),
        (smtplib.SMTPServerDisconnected("secret words"), MailDelayed),
        (smtplib.SMTPAuthenticationError(535, b"secret words"), MailDelayed),
        (smtplib.SMTPNotSupportedError("secret words"), MailRefused),
    ],
)
def test_errors_say_nothing_of_the_message(monkeypatch, error, kind):
    def refuse(self, messages):
        raise error

    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", refuse)
    with pytest.raises(kind) as refusal:
        deliver(message_id="m-1", to="ann@example.org", subject="secret words", text="secret words")
    assert "secret" not in str(refusal.value) and refusal.value.__suppress_context__


def test_a_header_that_was_smuggled_in_is_refused():
    with pytest.raises(MailRefused):
        deliver(message_id="m-1", to="ann@example.org", subject="Hello\nBcc: all@example.org", text="")


def test_a_file_is_private(settings, tmp_path):
    settings.EMAIL_BACKEND, settings.EMAIL_FILE_PATH = "accounts.delivery.FileBackend", tmp_path / "mail"
    deliver(message_id="m-1", to="ann@example.org", subject="Hello", text="words")
    (path,) = settings.EMAIL_FILE_PATH.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and "words" in path.read_text()
