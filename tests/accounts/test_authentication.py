from datetime import timedelta

import pytest
from django.db.models import F
from django.test import Client

from accounts import services
from accounts.models import ApiKey, Session
from accounts.tokens import BadToken, read_access
from base.roles import Role
from tests.accounts.conftest import bearer

pytestmark = pytest.mark.django_db
ME = "/api/v1/users/me"


def test_an_access_token_says_who_asks(api, person, tokens):
    answer = api.get(ME, **bearer(tokens.access_token))
    assert answer.status_code == 200
    assert answer.json()["username"] == "ann" and answer.json()["phone"] == "+4930901820"
    assert "password" not in answer.json()


def test_to_know_who_asks_costs_one_query(api, tokens, django_assert_num_queries):
    with django_assert_num_queries(1):
        api.put(ME, **bearer(tokens.access_token))


def test_a_locked_user_is_refused_at_once(api, person, tokens):
    person.is_active = False
    person.save()
    assert api.get(ME, **bearer(tokens.access_token)).status_code == 401


def test_a_revoked_session_is_refused_at_once(api, tokens):
    services.revoke_session(session_id=Session.objects.get().pk)
    assert api.get(ME, **bearer(tokens.access_token)).status_code == 401


def test_an_ended_session_is_refused(api, tokens):
    Session.objects.update(expires_at=F("expires_at") - timedelta(days=15))
    assert api.get(ME, **bearer(tokens.access_token)).status_code == 401


@pytest.mark.parametrize(
    "header",
    ["Bearer", "Bearer ", "Bearer x y", "Bearer x", "Bearer a.b.c", "Bearer mlr_", "Bearer mlr_unknown", "bearer \xff"]
    + ["Bearer " + "x" * 100_000, "Bearer mlr_" + "x" * 100_000, "Basic YTpi", "Token x", ""],
)
def test_what_is_no_token_gets_a_401_that_names_the_scheme(api, header):
    answer = api.get(ME, HTTP_AUTHORIZATION=header)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"
    assert answer["Content-Type"] == "application/problem+json"


def test_a_refresh_token_is_no_access_token(api, tokens):
    assert api.get(ME, **bearer(tokens.refresh_token)).status_code == 401


@pytest.mark.parametrize("role", list(Role))
def test_an_api_key_has_the_role_it_was_made_with(api, role):
    key = services.issue_api_key(username="robot", role=role)
    answer = api.get(ME, **bearer(key))
    assert answer.status_code == 200 and answer.json()["role"] == role


def test_the_use_of_a_key_is_noted_at_most_once_a_minute(api, django_assert_num_queries):
    key = services.issue_api_key(username="robot", role=Role.SERVICE)
    with django_assert_num_queries(2):
        api.delete(ME, **bearer(key))
    noted = ApiKey.objects.get().last_used_at
    with django_assert_num_queries(1):
        api.delete(ME, **bearer(key))
    assert noted is not None and ApiKey.objects.get().last_used_at == noted
    ApiKey.objects.update(last_used_at=noted - timedelta(minutes=2))
    api.get(ME, **bearer(key))
    assert ApiKey.objects.get().last_used_at > noted - timedelta(minutes=1)


def test_a_revoked_key_and_a_locked_program_are_refused(api):
    key = services.issue_api_key(username="robot", role=Role.SERVICE)
    other = services.issue_api_key(username="twin", role=Role.SERVICE)
    assert services.revoke_api_key(key_id=ApiKey.objects.get(user__username="robot").pk)
    services.lock_user(user=ApiKey.objects.get(user__username="twin").user, reason="test")
    assert [api.get(ME, **bearer(raw)).status_code for raw in (key, other)] == [401, 401]


def test_what_a_process_remembers_of_a_token_is_not_whether_it_still_counts(api, person, tokens):
    assert api.get(ME, **bearer(tokens.access_token)).status_code == 200
    person.is_active = False
    person.save()
    assert api.get(ME, **bearer(tokens.access_token)).status_code == 401
    person.is_active = True
    person.save()
    assert api.get(ME, **bearer(tokens.access_token)).status_code == 200
    services.revoke_session(session_id=Session.objects.get().pk)
    assert api.get(ME, **bearer(tokens.access_token)).status_code == 401


def test_a_remembered_token_ends_when_it_says(api, tokens, monkeypatch):
    assert api.get(ME, **bearer(tokens.access_token)).status_code == 200
    ends_at = read_access(tokens.access_token).ends_at
    monkeypatch.setattr("accounts.tokens.time.time", lambda: float(ends_at))
    with pytest.raises(BadToken):
        read_access(tokens.access_token)


def test_a_key_that_was_good_is_refused_with_the_next_request(api):
    key = services.issue_api_key(username="robot", role=Role.SERVICE)
    assert api.get(ME, **bearer(key)).status_code == 200
    services.assign_role(user=ApiKey.objects.get().user, role=Role.ANALYST)
    assert api.get(ME, **bearer(key)).json()["role"] == Role.ANALYST
    services.revoke_api_key(key_id=ApiKey.objects.get().pk)
    assert api.get(ME, **bearer(key)).status_code == 401


def test_staff_may_use_their_console_session_to_read(client, person):
    services.assign_role(user=person, role=Role.OPERATOR)
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(ME).status_code == 200


def test_a_session_of_a_client_opens_nothing(client, person):
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(ME).status_code == 401


def test_a_console_session_needs_the_csrf_token_to_write(person, settings):
    from django.urls import path
    from rest_framework.response import Response
    from rest_framework.views import APIView

    class Write(APIView):
        roles = [Role.OPERATOR]

        def post(self, request):
            return Response({"by": request.user.username})

    class Urls:
        urlpatterns = [path("write", Write.as_view())]

    settings.ROOT_URLCONF = Urls
    services.assign_role(user=person, role=Role.OPERATOR)
    client = Client(enforce_csrf_checks=True)
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    assert client.post("/write", content_type="application/json").status_code == 403
    token = "a" * 32
    client.cookies["csrftoken"] = token
    answer = client.post("/write", content_type="application/json", headers={"X-CSRFToken": token})
    assert answer.json() == {"by": "ann"}
