from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.core import mail
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from accounts import rules
from accounts.models import EmailVerification, Mail, User
from accounts.services import (
    NothingToVerify,
    TooMany,
    WrongToken,
    change_profile,
    confirm_email,
    lock_user,
    request_verification,
)
from accounts.tasks import send_verification
from audit.models import Entry
from tasks.models import Task
from tasks.testing import run_due
from tests.accounts.conftest import bearer, token_in
from tests.accounts.test_codes import shape

pytestmark = pytest.mark.django_db
SEND, CONFIRM = "/api/v1/users/me/verification/email/send", "/api/v1/users/me/verification/email/confirm"
PAGE = "/verify-email"


@pytest.fixture
def ann(person) -> User:
    return change_profile(user=person, changes={"email": "ann@example.org"})


def pass_time(**span: float) -> None:
    age = timedelta(**span)
    EmailVerification.objects.update(created_at=F("created_at") - age, expires_at=F("expires_at") - age)


def token_of(row: EmailVerification, settings) -> str:
    return rules.email_token(row.pk, row.address, pepper=settings.OTP_PEPPER)


def sent_token(user: User) -> str:
    """Have a link sent and read the token from the mail."""
    request_verification(user=user)
    run_due()
    return token_in(mail.outbox[-1].body)


def is_verified(user: User) -> bool:
    return User.objects.get(pk=user.pk).email_verified_at is not None


def test_from_the_mail_to_a_verified_address(api, ann, tokens):
    answer = api.post(SEND, **bearer(tokens.access_token))
    assert (answer.status_code, answer.json()) == (200, {"message": "Verification email sent"})
    assert mail.outbox == []
    run_due()
    [message] = mail.outbox
    assert message.to == ["ann@example.org"] and message.subject == "Verify your email"
    token = token_in(message.body)
    assert f"/verify-email?token={token}\n" in message.body
    answer = api.post(CONFIRM, {"token": token}, format="json", **bearer(tokens.access_token))
    assert (answer.status_code, answer.json()) == (200, {"message": "Email verified"})
    assert api.get("/api/v1/users/me", **bearer(tokens.access_token)).json()["email_verified"] is True
    actions = Entry.objects.filter(action__startswith="email").order_by("id").values_list("action", flat=True)
    assert list(actions) == ["email_verification_requested", "email_verified"]


def test_the_task_knows_only_the_row_and_nothing_is_kept_of_the_words(ann):
    row = request_verification(user=ann)
    assert Task.objects.get(name="accounts.send_verification").kwargs == {"verification_id": str(row.pk)}
    run_due()
    assert not Mail.objects.exists()


def test_a_link_that_is_opened_confirms_nothing_until_its_button_is_pressed(client, ann):
    token = sent_token(ann)
    page = client.get(PAGE, {"token": token})
    assert page.status_code == 200 and f'value="{token}"' in page.content.decode()
    assert (page["Referrer-Policy"], "no-store" in page["Cache-Control"]) == ("no-referrer", True)
    assert client.head(PAGE, {"token": token}).status_code == 200 and not is_verified(ann)
    assert b"verified" in client.post(PAGE, {"token": token}).content and is_verified(ann)


def test_a_page_shows_what_it_was_given_as_text(client):
    assert b"<script>" not in client.get(PAGE, {"token": '"><script>alert(1)</script>'}).content


@pytest.mark.parametrize("end", ["used", "voided", "expired", "changed", "locked", "taken", "of another", "forged"])
def test_a_token_that_does_not_count_gets_one_sentence_everywhere(api, client, ann, tokens, settings, end):
    row = request_verification(user=ann)
    token, rows = token_of(row, settings), EmailVerification.objects.filter(pk=row.pk)
    match end:
        case "used":
            confirm_email(token=token)
            User.objects.update(email_verified_at=None)
        case "voided":
            pass_time(minutes=2)
            request_verification(user=ann)
        case "expired":
            rows.update(expires_at=Now())
        case "changed":
            User.objects.update(email="other@example.org")
        case "locked":
            User.objects.update(is_active=False)
        case "taken":
            User.objects.create_user("bob", email="ANN@example.org", email_verified_at=row.created_at)
        case "of another":
            bob = User.objects.create_user("bob", email="bob@example.org")
            token = token_of(request_verification(user=bob), settings)
        case "forged":
            token = rules.email_token(row.pk, row.address, pepper="x" * 40)
    if end != "of another":
        page = client.post(PAGE, {"token": token})
        assert page.status_code == 400 and "not valid any more" in page.content.decode()
    if end != "locked":
        answer = api.post(CONFIRM, {"token": token}, format="json", **bearer(tokens.access_token))
        assert (answer.status_code, answer.json()["detail"]) == (400, WrongToken.default_detail)
    assert not is_verified(ann)
    assert Entry.objects.filter(action="email_verification_refused").exists()


@pytest.mark.parametrize("token", ["", "x", "x" * 64, "é" * 64, "A" * 64, "\x00", "A" * 100])
def test_what_is_no_token_is_refused(client, token):
    assert client.post(PAGE, {"token": token}).status_code == 400


def test_a_token_is_bound_to_row_address_and_pepper():
    token = rules.email_token(UUID(int=7), "ann@example.org", pepper="p")
    assert len(token) == 64 and rules.verification_of(token) == UUID(int=7)
    others = [
        rules.email_token(UUID(int=8), "ann@example.org", pepper="p"),
        rules.email_token(UUID(int=7), "bob@example.org", pepper="p"),
        rules.email_token(UUID(int=7), "ann@example.org", pepper="q"),
    ]
    assert token not in others


def test_tokens_that_were_and_were_not_make_the_same_queries(ann, settings):
    request_verification(user=ann)
    row = EmailVerification.objects.get()
    forged = [rules.email_token(pk, "ann@example.org", pepper="x" * 40) for pk in (row.pk, uuid4())]
    captured = []
    for token in forged:
        with CaptureQueriesContext(connection) as queries, pytest.raises(WrongToken):
            confirm_email(token=token)
        captured.append([shape(query) for query in queries])
    assert captured[0] == captured[1]


def test_an_address_that_another_account_has_verified_gets_the_same_answer_and_the_same_mail(api, ann, tokens):
    User.objects.create_user("bob", email="ann@example.org", email_verified_at=Now())
    answer = api.post(SEND, **bearer(tokens.access_token))
    assert (answer.status_code, answer.json()) == (200, {"message": "Verification email sent"})
    run_due()
    assert len(mail.outbox) == 1


def test_without_an_address_or_with_a_verified_one_there_is_nothing_to_verify(api, person, tokens):
    assert api.post(SEND, **bearer(tokens.access_token)).status_code == 409
    ann = change_profile(user=person, changes={"email": "ann@example.org"})
    confirm_email(token=sent_token(ann))
    with pytest.raises(NothingToVerify):
        pass_time(minutes=2)
        request_verification(user=ann)


@pytest.mark.parametrize("end", ["used", "voided", "expired", "gone"])
def test_a_link_that_has_ended_is_not_sent(ann, end):
    row = request_verification(user=ann)
    rows = EmailVerification.objects.filter(pk=row.pk)
    match end:
        case "used":
            rows.update(used_at=Now())
        case "voided":
            rows.update(voided_at=Now())
        case "expired":
            rows.update(expires_at=Now())
        case "gone":
            rows.delete()
    assert send_verification.call(verification_id=str(row.pk)) == {"sent": False} and not mail.outbox


def test_sends_are_limited_by_user(ann):
    request_verification(user=ann)
    with pytest.raises(TooMany) as refusal:
        request_verification(user=ann)
    assert 55 <= refusal.value.wait <= 60
    for _ in range(4):
        pass_time(minutes=2)
        request_verification(user=ann)
    pass_time(minutes=2)
    with pytest.raises(TooMany) as refusal:
        request_verification(user=ann)
    assert refusal.value.wait > 2_000


def test_sends_to_one_mailbox_are_limited_whoever_asks():
    users = [User.objects.create_user(f"u{n}", email=f"{'Ann' if n % 2 else 'ann'}@example.org") for n in range(6)]
    for user in users[:5]:
        request_verification(user=user)
    with pytest.raises(TooMany):
        request_verification(user=users[5])


def test_the_database_lets_an_address_be_verified_once_however_it_is_written():
    User.objects.create_user("ann", email="ann@example.org", email_verified_at=Now())
    User.objects.create_user("bob", email="ann@example.org")
    with pytest.raises(IntegrityError, match="user_verified_email_once"), transaction.atomic():
        User.objects.create_user("eve", email="ANN@example.org", email_verified_at=Now())


def test_another_address_is_unverified_whoever_writes_it(ann):
    confirm_email(token=sent_token(ann))
    User.objects.filter(pk=ann.pk).update(first_name="Ann", email="ann@example.org")
    assert is_verified(ann)
    User.objects.filter(pk=ann.pk).update(email="new@example.org")
    assert not is_verified(ann)


def test_a_locked_user_is_not_reached(ann):
    token = sent_token(ann)
    lock_user(user=ann, reason="test")
    with pytest.raises(WrongToken):
        confirm_email(token=token)
