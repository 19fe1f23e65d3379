from datetime import timedelta

import pytest
from django.db.models import F
from django.urls import reverse

from accounts.logins import count_failed_looks, count_login
from accounts.models import Login, LoginDay, LoginStatistics, OneTimeCode
from accounts.services import WrongCode, assign_role, open_session, request_code, verify_code
from audit.models import Entry
from base.context import acting
from base.roles import Role
from tasks.definitions import PermanentError
from tasks.testing import run_due
from tests.accounts.conftest import bearer, code_of, other_than

pytestmark = pytest.mark.django_db
ME = "/api/v1/users/me"


def test_logins_are_counted_behind_with_the_last_ones_time_way_and_address(api, person):
    for ip in ("192.0.2.7", "198.51.100.8"):
        with acting(ip=ip):
            tokens = open_session(user=person)
    assert api.get(ME, **bearer(tokens.access_token)).json()["logins"]["count"] == 0
    run_due()
    counted = LoginStatistics.objects.get()
    last = Entry.objects.filter(action="login").latest("id")
    assert (counted.logins, counted.last_method, counted.last_ip) == (2, "code", "198.51.100.8")
    assert counted.last_at == last.at
    shown = api.get(ME, **bearer(tokens.access_token)).json()["logins"]
    assert (shown["count"], shown["last_method"], shown["last_network"]) == (2, "code", "198.51.100.0/24")
    assert LoginDay.objects.get().logins == 2 and Login.objects.count() == 2


def test_a_login_counts_once_however_often_it_is_told(person):
    open_session(user=person)
    entry_id = Entry.objects.get(action="login").pk
    assert [count_login(entry_id) for _ in range(3)] == [True, False, False]
    run_due()
    assert LoginStatistics.objects.get().logins == LoginDay.objects.get().logins == 1


def test_an_earlier_login_that_is_counted_later_is_not_the_last(person):
    for ip in ("192.0.2.7", "198.51.100.8"):
        with acting(ip=ip):
            open_session(user=person)
    first, second = Entry.objects.filter(action="login").order_by("id").values_list("pk", flat=True)
    count_login(second)
    count_login(first)
    assert (LoginStatistics.objects.get().logins, LoginStatistics.objects.get().last_ip) == (2, "198.51.100.8")


def test_password_logins_in_the_console_count_too(client, person):
    assign_role(user=person, role=Role.OPERATOR)
    client.post(reverse("admin:login"), {"username": "ann", "password": "a long pass phrase"})
    run_due()
    assert (LoginStatistics.objects.get().last_method, LoginStatistics.objects.get().last_ip) == (
        "password",
        "127.0.0.1",
    )


def test_what_is_no_login_is_not_counted(person):
    assign_role(user=person, role=Role.OPERATOR)
    for entry_id in (Entry.objects.get().pk, 0):
        with pytest.raises(PermanentError):
            count_login(entry_id)


def look(phone: str, *, wrong: int, right: bool = False) -> None:
    request_code(phone=phone)
    for _ in range(wrong):
        with pytest.raises(WrongCode):
            verify_code(phone=phone, code=other_than(code_of(phone)))
    if right:
        verify_code(phone=phone, code=code_of(phone))
    OneTimeCode.objects.filter(phone=phone).update(created_at=F("created_at") - timedelta(minutes=2))


def test_wrong_codes_are_counted_by_day_and_only_for_phones_that_somebody_has(api, person, tokens, phone):
    look(person.phone, wrong=2, right=True)
    look(person.phone, wrong=1)
    look(phone, wrong=3)
    count_failed_looks()
    assert count_failed_looks() == 0
    assert sum(LoginDay.objects.values_list("failed_looks", flat=True)) == 3
    assert {row.user_id for row in LoginDay.objects.all()} == {person.pk}
    assert api.get(ME, **bearer(tokens.access_token)).json()["logins"]["failed_looks_30d"] == 3


def test_logins_and_wrong_codes_of_a_day_share_a_row(person):
    look(person.phone, wrong=1)
    count_failed_looks()
    open_session(user=person)
    run_due()
    days = LoginDay.objects.values_list("logins", "failed_looks")
    assert [sum(column) for column in zip(*days, strict=True)] == [1, 1]
    OneTimeCode.objects.all().delete()
    assert count_failed_looks() == 0
