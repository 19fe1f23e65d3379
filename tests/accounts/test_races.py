"""Two connections at the same moment: the database decides, and decides once."""

import time
from functools import partial
from threading import Event

import pytest
from django.conf import settings
from django.core import mail
from django.db import connection, transaction

from accounts import idempotency, rules
from accounts.models import IdempotencyKey, LoginStatistics, OneTimeCode, Session, User
from accounts.services import (
    InvalidRefreshToken,
    TooMany,
    WrongCode,
    change_profile,
    confirm_email,
    lock_user,
    open_session,
    refresh_session,
    request_code,
    request_verification,
    revoke_session,
    unlock_user,
    verify_code,
)
from accounts.tasks import count_login
from accounts.tokens import Tokens
from audit.models import Entry
from tasks.models import Task
from tasks.testing import run_due
from tests.accounts.conftest import at_once, bearer, code_of, other_than, token_in

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 5


def kinds(results: list) -> list[str]:
    return sorted(type(result).__name__ for result in results)


def test_the_right_code_wins_once(phone):
    for number in range(ROUNDS):
        its_phone = f"{phone[:-1]}{number}"
        request_code(phone=its_phone)
        code = code_of(its_phone)
        results = at_once(*[partial(verify_code, phone=its_phone, code=code)] * 4)
        assert kinds(results) == ["Tokens", "WrongCode", "WrongCode", "WrongCode"]
        assert Session.objects.filter(user__phone=its_phone).count() == 1


def test_at_most_five_looks_whoever_looks(phone):
    request_code(phone=phone)
    wrong = other_than(code_of(phone))
    results = at_once(*[lambda: verify_code(phone=phone, code=wrong)] * 8)
    assert kinds(results) == ["WrongCode"] * 8
    assert OneTimeCode.objects.get().tries == 5
    with pytest.raises(WrongCode):
        verify_code(phone=phone, code=code_of(phone))


def test_a_refusal_is_committed(phone):
    request_code(phone=phone)
    with pytest.raises(WrongCode):
        verify_code(phone=phone, code=other_than(code_of(phone)))
    connection.close()
    assert OneTimeCode.objects.get().tries == 1
    assert Entry.objects.filter(action="login_code_refused").exists()


def test_what_must_outlive_its_refusal_does_not_run_where_it_could_be_rolled_back(phone):
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        verify_code(phone=phone, code="000000")
    token = open_session(user=User.objects.create_user("ann")).refresh_token
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        refresh_session(refresh_token=token)


def test_one_send_a_minute_whoever_asks(phone):
    results = at_once(*[lambda: request_code(phone=phone)] * 4)
    assert kinds(results) == ["OneTimeCode", "TooMany", "TooMany", "TooMany"]
    assert isinstance(next(r for r in results if isinstance(r, Exception)), TooMany)


def test_of_two_refreshes_at_most_one_wins_and_the_session_is_closed():
    user = User.objects.create_user("ann")
    for _ in range(ROUNDS):
        token = open_session(user=user).refresh_token
        results = at_once(*[partial(refresh_session, refresh_token=token)] * 2)
        assert kinds(results) == ["InvalidRefreshToken", "Tokens"]
        session = Session.objects.latest("created_at")
        assert session.revoked_reason == "token_reused"
        winner = next(result for result in results if isinstance(result, Tokens))
        with pytest.raises(InvalidRefreshToken):
            refresh_session(refresh_token=winner.refresh_token)


def asked_to_verify(name: str, address: str = "ann@example.org") -> tuple[User, str]:
    """A user and the token of the link that was sent to them."""
    user = User.objects.create_user(name, email=address)
    row = request_verification(user=user)
    return user, rules.email_token(row.pk, address, pepper=settings.OTP_PEPPER)


def verified() -> list[str]:
    return sorted(User.objects.filter(email_verified_at__isnull=False).values_list("email", flat=True))


def test_a_token_confirms_once():
    _, token = asked_to_verify("ann")
    results = at_once(*[partial(confirm_email, token=token)] * 4)
    assert kinds(results) == ["User", "WrongToken", "WrongToken", "WrongToken"]


def test_of_two_accounts_with_one_address_one_gets_it():
    for number in range(ROUNDS):
        addresses = (f"ann{number}@example.org", f"Ann{number}@example.org")
        tokens = [asked_to_verify(f"u{number}{n}", address)[1] for n, address in enumerate(addresses)]
        assert kinds(at_once(*[partial(confirm_email, token=token) for token in tokens])) == ["User", "WrongToken"]
    assert len(verified()) == ROUNDS


def test_an_address_that_is_changed_while_it_is_confirmed_is_never_verified_unseen():
    """Whoever comes first: in the end the new address is there, and nobody has shown that it is theirs."""
    for number in range(ROUNDS):
        user, token = asked_to_verify(f"u{number}", f"ann{number}@example.org")
        change = partial(change_profile, user=user, changes={"email": f"new{number}@example.org"})
        assert kinds(at_once(change, partial(confirm_email, token=token)))[0] == "User"
        assert User.objects.get(pk=user.pk).email == f"new{number}@example.org"
    assert verified() == []


def test_one_link_a_minute_whoever_asks():
    user = User.objects.create_user("ann", email="ann@example.org")
    results = at_once(*[lambda: request_verification(user=user)] * 4)
    assert kinds(results) == ["EmailVerification", "TooMany", "TooMany", "TooMany"]


def test_a_session_that_is_revoked_while_it_is_renewed_is_closed():
    user = User.objects.create_user("ann")
    for _ in range(ROUNDS):
        token = open_session(user=user).refresh_token
        session = Session.objects.latest("created_at")
        renewed, revoked = at_once(
            partial(refresh_session, refresh_token=token), partial(revoke_session, session_id=session.pk)
        )
        assert revoked is True
        if isinstance(renewed, Tokens):
            with pytest.raises(InvalidRefreshToken):
                refresh_session(refresh_token=renewed.refresh_token)
        session.refresh_from_db()
        assert session.revoked_reason == "logout"


def test_a_login_while_its_account_is_locked_leaves_no_session_behind(phone):
    user = User.objects.create_user("ann", phone=phone)
    for _ in range(ROUNDS):
        OneTimeCode.objects.all().delete()
        request_code(phone=phone)
        entered = partial(verify_code, phone=phone, code=code_of(phone))
        at_once(entered, partial(lock_user, user=user, reason="test"))
        unlock_user(user=user, reason="test")
        assert not Session.objects.filter(revoked_at=None).exists()


def test_a_login_is_counted_once_whoever_counts():
    user = User.objects.create_user("ann")
    for _ in range(2):
        open_session(user=user)
    first, second = Entry.objects.filter(action="login").values_list("pk", flat=True)
    results = at_once(*[partial(count_login.call, entry_id=pk) for pk in (first, first, second, second)])
    assert sum(result["counted"] for result in results) == 2
    assert LoginStatistics.objects.get().logins == 2


def keyed(user: User, seconds: float = 0.0, started: Event | None = None) -> idempotency.Answer:
    with transaction.atomic():
        answer = idempotency.begin(user=user, endpoint="e", key="k", body={})
        if answer is None:
            if started:
                started.set()
            time.sleep(seconds)
            answer = idempotency.finish(user=user, endpoint="e", key="k", status=201, body="{}")
    return answer


def test_the_second_waits_for_the_first_and_gets_its_answer():
    user = User.objects.create_user("ann")
    results = at_once(*[lambda: keyed(user, 0.2)] * 4)
    assert sorted(result.is_replay for result in results) == [False, True, True, True]


def test_a_long_first_request_is_a_conflict_for_the_second():
    user, started = User.objects.create_user("ann"), Event()

    def second() -> idempotency.Answer:
        started.wait(5)
        return keyed(user)

    results = at_once(lambda: keyed(user, 4, started), second)
    assert kinds(results) == ["Answer", "InProgress"]
    assert IdempotencyKey.objects.get().status == 201


def test_when_the_first_fails_the_second_does_the_work():
    user, started = User.objects.create_user("ann"), Event()

    def first() -> None:
        with transaction.atomic():
            idempotency.begin(user=user, endpoint="e", key="k", body={})
            started.set()
            time.sleep(0.3)
            raise ZeroDivisionError

    def second() -> idempotency.Answer:
        started.wait(5)
        return keyed(user)

    failed, answer = at_once(first, second)
    assert isinstance(failed, ZeroDivisionError) and not answer.is_replay


TEXTS = """
SELECT table_name, column_name FROM information_schema.columns
WHERE table_schema = 'public' AND data_type IN ('text', 'character varying', 'jsonb', 'json', 'bytea')
"""


def test_neither_code_nor_token_is_anywhere_in_the_database(api, outbox, caplog):
    """The whole way, through HTTP and real attempts of the tasks, then a look into every text of every table."""
    caplog.set_level("DEBUG")
    secrets = []
    for number in range(3):
        its_phone = f"+493077700{number}"
        api.post("/api/v1/auth/request-otp", {"phone": its_phone}, format="json")
        run_due()
        digits = outbox()[-1]["text"][:6]
        wrong = other_than(digits)
        assert api.post("/api/v1/auth/verify-otp", {"phone": its_phone, "otp": wrong}, format="json").status_code == 400
        answer = api.post("/api/v1/auth/verify-otp", {"phone": its_phone, "otp": digits}, format="json").json()
        mine = bearer(answer["access_token"])
        api.patch("/api/v1/users/me", {"email": f"ann{number}@example.org"}, format="json", **mine)
        api.post("/api/v1/users/me/verification/email/send", **mine)
        run_due()
        token = token_in(mail.outbox[-1].body)
        api.post("/api/v1/users/me/verification/email/confirm", {"token": token}, format="json", **mine)
        secrets += [digits, answer["access_token"], answer["refresh_token"], token]
    assert User.objects.filter(email_verified_at__isnull=False).count() == 3
    assert set(Task.objects.values_list("status", flat=True)) == {"completed"}
    with connection.cursor() as cursor:
        cursor.execute(TEXTS)
        found = []
        for table, column in cursor.fetchall():
            for secret in secrets:
                # Whole words only: six digits may well be inside an id or a hash.
                pattern = rf"(^|[^0-9A-Za-z_-]){secret}($|[^0-9A-Za-z_-])"
                cursor.execute(f'SELECT count(*) FROM "{table}" WHERE "{column}"::text ~ %s', [pattern])
                if cursor.fetchone()[0]:
                    found.append((table, column, secret))
    assert not found
    assert not [secret for secret in secrets if secret in caplog.text]
