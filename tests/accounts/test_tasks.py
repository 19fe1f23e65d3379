import json
import stat
import traceback
from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from accounts import sms
from accounts.models import EmailVerification, IdempotencyKey, Login, LoginDay, Mail, OneTimeCode, Session
from accounts.services import request_code, verify_code
from accounts.tasks import forget_expired, send_code
from tasks.definitions import TemporaryError, periodic_tasks
from tests.accounts.conftest import code_of

pytestmark = pytest.mark.django_db


def test_the_message_carries_the_code_that_works(phone, outbox):
    row = request_code(phone=phone)
    assert send_code.call(code_id=str(row.pk)) == {"sent": True}
    (message,) = outbox()
    assert message["to"] == phone and set(message) == {"to", "text", "sent_at"}
    assert message["text"].startswith(code_of(phone))
    assert verify_code(phone=phone, code=message["text"][:6])


@pytest.mark.parametrize("end", ["used", "voided", "expired", "gone"])
def test_a_code_that_has_ended_is_not_sent(phone, outbox, end):
    row = request_code(phone=phone)
    rows = OneTimeCode.objects.filter(pk=row.pk)
    match end:
        case "used":
            rows.update(used_at=F("created_at"))
        case "voided":
            rows.update(voided_at=F("created_at"))
        case "expired":
            rows.update(expires_at=F("created_at"))
        case "gone":
            rows.delete()
    assert send_code.call(code_id=str(row.pk)) == {"sent": False}
    assert outbox() == []


class TalkativeBackend:
    def send(self, *, to: str, text: str, message_id: str) -> None:
        raise ConnectionError(f"could not send {text!r}")


def test_the_error_of_a_backend_is_not_passed_on(phone, settings):
    settings.SMS_BACKEND = f"{__name__}.TalkativeBackend"
    row = request_code(phone=phone)
    with pytest.raises(TemporaryError) as error:
        send_code.call(code_id=str(row.pk))
    assert str(error.value) == "the SMS backend failed: ConnectionError"
    assert code_of(phone) not in "".join(traceback.format_exception(error.value))


def test_a_file_is_private_and_complete(outbox, tmp_path):
    sms.FileBackend().send(to="+4930901820", text="hello ü", message_id="m1")
    (path,) = (tmp_path / "sms").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text())["text"] == "hello ü"


def test_the_console_backend_prints(capsys, settings):
    settings.SMS_BACKEND = "accounts.sms.ConsoleBackend"
    sms.send(to="+4930901820", text="hello", message_id="m1")
    assert capsys.readouterr().out == "SMS to +4930901820: hello\n"


def test_cleaning_up_keeps_what_still_counts(person, tokens):
    for number, hours in enumerate([1, 47, 49]):
        row = IdempotencyKey.objects.create(user=person, endpoint="e", key=str(number), request_hash="")
        IdempotencyKey.objects.filter(pk=row.pk).update(created_at=F("created_at") - timedelta(hours=hours))
    for number, hours in enumerate([1, 47, 49]):
        row = request_code(phone=f"+493044400{number}")
        OneTimeCode.objects.filter(pk=row.pk).update(created_at=F("created_at") - timedelta(hours=hours))
    for days in (29, 31):
        row = Mail.objects.create(to="ann@example.org")
        Mail.objects.filter(pk=row.pk).update(created_at=F("created_at") - timedelta(days=days))
    old = Session.objects.create(user=person, expires_at=Session.objects.get().expires_at - timedelta(days=45))
    Session.objects.create(user=person, expires_at=old.expires_at + timedelta(days=2))
    for number, days in enumerate([89, 91]):
        at = timezone.now() - timedelta(days=days)
        Login.objects.create(user=person, at=at, method="code", entry_id=number)
    for days in (399, 401):
        LoginDay.objects.create(user=person, day=timezone.now().date() - timedelta(days=days))
    for hours in (47, 49):
        sent_at = timezone.now() - timedelta(hours=hours)
        EmailVerification.objects.create(user=person, created_at=sent_at, expires_at=sent_at, voided_at=sent_at)
    removed = forget_expired.call()
    assert set(removed) == {"answers", "codes", "login_days", "logins", "mail", "sessions", "verifications"}
    assert set(removed.values()) == {1}
    assert not Session.objects.filter(pk=old.pk).exists()
    assert set(forget_expired.call().values()) == {0}


def test_cleaning_up_is_periodic():
    assert "accounts.forget_expired" in {periodic.task.name for periodic in periodic_tasks()}
