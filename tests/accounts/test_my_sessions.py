"""Where somebody is logged in, as they see it, and how they or staff end it."""

from uuid import uuid4

import pytest

from accounts.models import ApiKey, Session, User
from accounts.services import assign_role, issue_api_key, lock_user, open_session
from audit.models import Entry
from base.context import acting
from base.roles import Role
from tests import makers
from tests.accounts.conftest import bearer

pytestmark = pytest.mark.django_db
ME, SESSIONS = "/api/v1/users/me", "/api/v1/users/me/sessions"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def two(person):
    """Tokens of a login here and of one elsewhere."""
    with acting(ip="198.51.100.7", user_agent="Mill/2.1 (Android 15)"):
        elsewhere = open_session(user=person)
    with acting(ip="192.0.2.77", user_agent=FIREFOX):
        return open_session(user=person), elsewhere


def listed(api, tokens) -> list[dict]:
    return api.get(SESSIONS, **bearer(tokens.access_token)).json()["results"]


def test_sessions_are_listed_with_device_network_and_which_is_this_one(api, two):
    here, _ = two
    shown = listed(api, here)
    assert [(row["device"], row["network"], row["current"]) for row in shown] == [
        ("Firefox on Linux", "192.0.2.0/24", True),
        ("Android", "198.51.100.0/24", False),
    ]
    assert set(shown[0]) == {"id", "device", "network", "created_at", "last_used_at", "expires_at", "current"}


def test_a_session_elsewhere_can_be_closed_at_once_and_again(api, two):
    here, elsewhere = two
    its_id = listed(api, here)[1]["id"]
    for _ in range(2):
        assert api.delete(f"{SESSIONS}/{its_id}", **bearer(here.access_token)).status_code == 204
    assert api.get(ME, **bearer(elsewhere.access_token)).status_code == 401
    refused = api.post("/api/v1/auth/refresh", {"refresh_token": elsewhere.refresh_token}, format="json")
    assert refused.status_code == 401
    assert [row["current"] for row in listed(api, here)] == [True]
    assert Entry.objects.filter(action="session_revoked").count() == 1


def test_all_others_are_closed_and_this_one_stays(api, two, person):
    here, elsewhere = two
    answer = api.post(f"{SESSIONS}/revoke-others", **bearer(here.access_token))
    assert answer.json() == {"revoked": 1}
    assert [api.get(ME, **bearer(each.access_token)).status_code for each in (here, elsewhere)] == [200, 401]


def test_nobody_sees_or_closes_the_sessions_of_others(api, two):
    here, elsewhere = two
    its_id = listed(api, here)[1]["id"]
    stranger = makers.client(makers.user())
    assert [row["current"] for row in stranger.get(SESSIONS).json()["results"]] == [True]
    for pk in (its_id, uuid4()):
        assert stranger.delete(f"{SESSIONS}/{pk}").status_code == 404
    assert api.get(ME, **bearer(elsewhere.access_token)).status_code == 200


def test_a_program_has_no_session_to_keep(api):
    key = issue_api_key(username="robot", role=Role.SERVICE)
    assert api.post(f"{SESSIONS}/revoke-others", **bearer(key)).status_code == 409
    assert api.get(SESSIONS, **bearer(key)).json() == {"results": []}


def test_an_admin_locks_and_unlocks_with_a_reason(api, person, tokens):
    key = issue_api_key(username="ann", role=Role.CLIENT)
    boss = makers.client(assign_role(user=makers.user(), role=Role.ADMIN))
    path = f"/api/v1/users/{person.pk}"
    assert boss.post(f"{path}/lock", {}, format="json").status_code == 400
    answer = boss.post(f"{path}/lock", {"reason": "a stolen phone"}, format="json")
    assert (answer.status_code, answer.json()) == (200, {"id": person.pk, "is_active": False})
    assert [api.get(ME, **bearer(raw)).status_code for raw in (tokens.access_token, key)] == [401, 401]
    refused = api.post("/api/v1/auth/refresh", {"refresh_token": tokens.refresh_token}, format="json")
    assert refused.status_code == 401
    assert boss.post(f"{path}/unlock", {"reason": "found"}, format="json").json()["is_active"] is True
    assert [api.get(ME, **bearer(raw)).status_code for raw in (tokens.access_token, key)] == [401, 200]
    told = Entry.objects.filter(action__in=["user_locked", "user_unlocked"]).order_by("id")
    assert [entry.metadata["reason"] for entry in told] == ["a stolen phone", "found"]


def test_locks_are_for_admins_not_for_oneself_and_superusers_for_superusers(person):
    for role in set(Role) - {Role.ADMIN}:
        other = makers.client(makers.user(role))
        assert other.post(f"/api/v1/users/{person.pk}/lock", {"reason": "x"}, format="json").status_code == 403
    admin = assign_role(user=makers.user(), role=Role.ADMIN)
    root = User.objects.create_superuser("root")
    boss = makers.client(admin)
    for pk, status in ((admin.pk, 409), (root.pk, 409), (0, 404)):
        assert boss.post(f"/api/v1/users/{pk}/lock", {"reason": "x"}, format="json").status_code == status
    assert User.objects.filter(is_active=False).count() == 0


def test_a_lock_ends_what_the_product_itself_opened(person, tokens):
    issue_api_key(username="ann", role=Role.CLIENT)
    lock_user(user=person, reason="test")
    assert not Session.objects.filter(revoked_at=None).exists() and ApiKey.objects.get().revoked_at is None
