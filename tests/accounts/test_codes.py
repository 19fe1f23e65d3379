from datetime import timedelta

import pytest
from django.apps import apps
from django.db import connection
from django.db.models import F
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from accounts import services
from accounts.models import OneTimeCode, Session, User
from accounts.services import TooMany, WrongCode, request_code, verify_code
from audit.models import Entry
from base.context import acting
from base.roles import Role
from tasks.models import Task
from tests.accounts.conftest import code_of, other_than

pytestmark = pytest.mark.django_db


def pass_time(phone: str, **span: float) -> None:
    """Make every code of the phone older."""
    span_ = timedelta(**span)
    OneTimeCode.objects.filter(phone=phone).update(
        created_at=F("created_at") - span_, expires_at=F("expires_at") - span_
    )


def send(phone: str, times: int = 1) -> None:
    """Have codes sent, each two minutes after the one before."""
    for _ in range(times):
        pass_time(phone, minutes=2)
        request_code(phone=phone)


def test_the_first_login_makes_a_client(phone):
    send(phone)
    granted = verify_code(phone=phone, code=code_of(phone))
    user = User.objects.get(phone=phone)
    assert user.role == Role.CLIENT and not user.is_staff and not user.has_usable_password()
    assert [group.name for group in user.groups.all()] == ["client"]
    assert user.last_login is not None
    assert phone not in user.username
    assert granted.expires_in == 600 and user.sessions.count() == 1


def test_the_second_login_is_the_same_user(phone):
    for _ in range(2):
        send(phone)
        verify_code(phone=phone, code=code_of(phone))
    assert User.objects.filter(phone=phone).count() == 1


def test_the_message_is_a_task_that_knows_only_the_row(phone):
    code = request_code(phone=phone)
    task = Task.objects.get(name="accounts.send_code")
    assert (task.queue_name, task.kwargs) == ("high", {"code_id": str(code.pk)})


def test_a_code_works_once(phone):
    send(phone)
    code = code_of(phone)
    verify_code(phone=phone, code=code)
    with pytest.raises(WrongCode):
        verify_code(phone=phone, code=code)


def test_a_code_ends_after_five_minutes(phone):
    send(phone)
    pass_time(phone, minutes=5)
    with pytest.raises(WrongCode):
        verify_code(phone=phone, code=code_of(phone))


def test_a_new_code_voids_the_old(phone):
    send(phone)
    old = code_of(phone)
    send(phone)
    with pytest.raises(WrongCode):
        verify_code(phone=phone, code=old)
    verify_code(phone=phone, code=code_of(phone))


def test_a_code_is_bound_to_its_phone(phone):
    send(phone)
    request_code(phone="+4930901899")
    with pytest.raises(WrongCode):
        verify_code(phone="+4930901899", code=code_of(phone))


def test_the_sixth_look_fails_even_with_the_right_code(phone):
    send(phone)
    right = code_of(phone)
    for _ in range(5):
        with pytest.raises(WrongCode):
            verify_code(phone=phone, code=other_than(right))
    with pytest.raises(WrongCode):
        verify_code(phone=phone, code=right)
    assert OneTimeCode.objects.get(phone=phone).tries == 5


def test_the_fifth_look_still_works(phone):
    send(phone)
    for _ in range(4):
        with pytest.raises(WrongCode):
            verify_code(phone=phone, code=other_than(code_of(phone)))
    assert verify_code(phone=phone, code=code_of(phone))


def sent(phone: str, *minutes_ago: int) -> None:
    """Rows of codes that were sent and voided."""
    for age in minutes_ago:
        sent_at = Now() - timedelta(minutes=age)
        OneTimeCode.objects.create(phone=phone, created_at=sent_at, expires_at=sent_at, voided_at=sent_at)


@pytest.mark.parametrize(
    ("minutes_ago", "wait_minutes"),
    [([0], 1), ([2, 4, 6, 8, 10], 50), ([100, 200, 300, 400, 500, 600, 700, 800, 900, 1000], 440)],
)
def test_sends_are_limited_by_minute_hour_and_day(phone, minutes_ago, wait_minutes):
    sent(phone, *minutes_ago)
    with pytest.raises(TooMany) as refusal:
        request_code(phone=phone)
    assert wait_minutes * 60 - 5 <= refusal.value.wait <= wait_minutes * 60


@pytest.mark.parametrize("minutes_ago", [[1], [2, 4, 6, 8, 60], [100, 200, 300, 400, 500, 600, 700, 800, 900, 1440]])
def test_a_send_that_is_old_enough_does_not_count(phone, minutes_ago):
    sent(phone, *minutes_ago)
    request_code(phone=phone)


def test_an_address_is_limited_over_many_phones():
    with acting(ip="192.0.2.77"):
        for number in range(30):
            request_code(phone=f"+4930222{number:04d}")
        with pytest.raises(TooMany):
            request_code(phone="+49302229999")
    with acting(ip="192.0.2.78"):
        request_code(phone="+49302229999")


def test_ipv6_neighbours_share_a_limit():
    for number in range(30):
        with acting(ip=f"2001:db8::{number + 1:x}"):
            request_code(phone=f"+4930333{number:04d}")
    with acting(ip="2001:db8::ffff"), pytest.raises(TooMany):
        request_code(phone="+49303339999")


def test_twenty_failed_looks_a_day(phone):
    for _ in range(4):
        send(phone)
        for _ in range(5):
            with pytest.raises(WrongCode):
                verify_code(phone=phone, code=other_than(code_of(phone)))
    send(phone)
    with pytest.raises(TooMany) as refusal:
        verify_code(phone=phone, code=code_of(phone))
    assert 85_800 < refusal.value.wait <= 86_400
    pass_time(phone, days=1)
    request_code(phone=phone)
    verify_code(phone=phone, code=code_of(phone))


def test_right_looks_do_not_count_as_failed(phone):
    for _ in range(5):
        send(phone)
        for _ in range(3):
            with pytest.raises(WrongCode):
                verify_code(phone=phone, code=other_than(code_of(phone)))
        verify_code(phone=phone, code=code_of(phone))
    assert sum(OneTimeCode.objects.filter(phone=phone).values_list("tries", flat=True)) == 20


def test_known_and_unknown_phones_make_the_same_queries(phone, person):
    with CaptureQueriesContext(connection) as unknown:
        request_code(phone=phone)
    with CaptureQueriesContext(connection) as known:
        request_code(phone=person.phone)
    assert [shape(query) for query in unknown] == [shape(query) for query in known]


def test_refusals_make_the_same_queries_with_and_without_a_code(phone, person):
    send(phone)
    wrong = other_than(code_of(phone))
    with CaptureQueriesContext(connection) as with_code, pytest.raises(WrongCode):
        verify_code(phone=phone, code=wrong)
    with CaptureQueriesContext(connection) as without, pytest.raises(WrongCode):
        verify_code(phone=person.phone, code=wrong)
    assert [shape(query) for query in with_code] == [shape(query) for query in without]


def rows_written(phone: str) -> dict[str, int]:
    """How many rows each table has more after a code was asked for."""
    before = {model: model.objects.count() for model in apps.get_models() if model._meta.managed}
    request_code(phone=phone)
    after = {model._meta.label: model.objects.count() - count for model, count in before.items()}
    return {label: more for label, more in after.items() if more}


def test_known_and_unknown_phones_leave_the_same_rows(phone, person):
    assert rows_written(phone) == rows_written(person.phone)
    assert rows_written("+4930901888") == {"accounts.OneTimeCode": 1, "audit.Entry": 1, "tasks.Task": 1}


def shape(query: dict[str, str]) -> str:
    """A statement without its values and savepoint names."""
    words = query["sql"].split()
    return words[0] if words[0] in {"SAVEPOINT", "RELEASE"} else " ".join(words[:3])


@pytest.mark.parametrize("state", ["locked", "staff"])
def test_who_may_not_log_in_by_code_gets_the_common_sentence(person, state):
    if state == "locked":
        services.lock_user(user=person, reason="test")
    else:
        services.assign_role(user=person, role=Role.OPERATOR)
    request_code(phone=person.phone)
    with pytest.raises(WrongCode):
        verify_code(phone=person.phone, code=code_of(person.phone))
    assert not Session.objects.exists()
    assert Entry.objects.get(action="login_refused").entity_id == str(person.pk)


def test_the_trail_tells_of_codes_without_phones(phone):
    send(phone)
    with pytest.raises(WrongCode):
        verify_code(phone=phone, code=other_than(code_of(phone)))
    verify_code(phone=phone, code=code_of(phone))
    actions = list(Entry.objects.order_by("id").values_list("action", flat=True))
    assert actions == ["login_code_requested", "login_code_refused", "role_assigned", "login"]
    assert not [entry for entry in Entry.objects.values_list("entity_id", "metadata") if phone in str(entry)]
