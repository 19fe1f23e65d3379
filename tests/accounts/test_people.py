import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command

from accounts.models import ApiKey, User
from accounts.people import digest
from accounts.services import assign_role, issue_api_key, lock_user, unlock_user
from audit.models import Entry
from base.roles import STAFF, Role
from tests.accounts.conftest import bearer

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("role", list(Role))
def test_a_role_brings_its_group_and_access_to_the_console(person, role):
    assign_role(user=person, role=Role.AUDITOR)
    assign_role(user=person, role=role)
    person.refresh_from_db()
    assert person.role == role
    assert [group.name for group in person.groups.all()] == [role.value]
    assert person.is_staff == (role in STAFF)


def test_who_becomes_staff_has_to_log_in_by_more_than_a_phone(api, person, tokens):
    assign_role(user=person, role=Role.SERVICE)
    assert api.get("/api/v1/users/me", **bearer(tokens.access_token)).status_code == 200
    assign_role(user=person, role=Role.REVIEWER)
    assert api.get("/api/v1/users/me", **bearer(tokens.access_token)).status_code == 401
    assert person.sessions.get().revoked_reason == "role_assigned"


def test_a_superuser_keeps_the_console(db):
    root = User.objects.create_superuser("root", password="a long pass phrase")
    assert root.role == Role.ADMIN
    assign_role(user=root, role=Role.CLIENT)
    root.refresh_from_db()
    assert root.is_staff


def test_other_groups_are_left_alone(person):
    person.groups.create(name="choir")
    assign_role(user=person, role=Role.ANALYST)
    assert {group.name for group in person.groups.all()} == {"choir", "analyst"}


def test_an_unknown_role_is_an_error(person):
    with pytest.raises(ValueError):
        assign_role(user=person, role="king")
    with pytest.raises(ValueError):
        issue_api_key(username="robot", role="king")


def test_only_the_digest_of_a_key_is_kept():
    key = issue_api_key(username="robot", role=Role.SERVICE)
    row = ApiKey.objects.get()
    assert key.startswith("mlr_") and len(key) > 40
    assert (row.prefix, row.digest) == (key[:12], digest(key))
    assert key not in str(list(Entry.objects.values())) + str(list(ApiKey.objects.values()))
    assert not row.user.has_usable_password()


def test_a_user_may_have_several_keys():
    assert issue_api_key(username="robot", role=Role.SERVICE) != issue_api_key(username="robot", role=Role.SERVICE)
    assert ApiKey.objects.filter(user__username="robot").count() == 2


def test_a_bad_name_makes_no_user():
    with pytest.raises(ValidationError):
        issue_api_key(username="no spaces", role=Role.SERVICE)
    assert not User.objects.exists()


def test_issue_token_prints_the_key_alone(capsys):
    call_command("issue_token", user="robot", role="service")
    out = capsys.readouterr().out
    assert out.endswith("\n") and out.count("\n") == 1
    assert ApiKey.objects.get().digest == digest(out.strip())
    assert Entry.objects.get(action="api_key_issued").actor == "command:issue_token"


def test_issue_token_tells_when_it_changes_a_role(capsys):
    call_command("issue_token", user="robot", role="service")
    capsys.readouterr()
    call_command("issue_token", user="robot", role="analyst")
    assert capsys.readouterr().err == "robot was service and is analyst from now on.\n"


def test_issue_token_refuses_a_bad_name_with_a_sentence():
    with pytest.raises(CommandError, match="valid username"):
        call_command("issue_token", user="no spaces", role="service")


def test_locking_closes_sessions_and_is_noted_once(person, tokens):
    assert lock_user(user=person, reason="lost phone")
    assert not lock_user(user=person, reason="lost phone")
    assert person.sessions.get().revoked_reason == "user_locked"
    assert unlock_user(user=person, reason="found")
    assert person.sessions.get().revoked_at is not None
    assert [e.action for e in Entry.objects.filter(entity_type="user").order_by("id")] == [
        "user_locked",
        "sessions_revoked",
        "user_unlocked",
    ]
