import json

import pytest
from django.core.management import call_command

from accounts.models import OneTimeCode, Session, User
from tests.accounts.conftest import bearer, code_of, other_than

pytestmark = pytest.mark.django_db
REQUEST, VERIFY = "/api/v1/auth/request-otp", "/api/v1/auth/verify-otp"
REFRESH, LOGOUT, ME = "/api/v1/auth/refresh", "/api/v1/auth/logout", "/api/v1/users/me"


def test_from_the_first_message_to_the_logout(api, phone):
    answer = api.post(REQUEST, {"phone": phone}, format="json")
    assert (answer.status_code, answer.json()) == (200, {"message": "OTP sent successfully"})

    answer = api.post(VERIFY, {"phone": phone, "otp": code_of(phone)}, format="json")
    granted = answer.json()
    assert set(granted) == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert (granted["token_type"], granted["expires_in"]) == ("bearer", 600)
    assert answer["Cache-Control"] == "no-store"

    me = api.get(ME, **bearer(granted["access_token"])).json()
    assert (me["phone"], me["role"]) == (phone, "client")

    renewed = api.post(REFRESH, {"refresh_token": granted["refresh_token"]}, format="json").json()
    assert api.get(ME, **bearer(renewed["access_token"])).status_code == 200

    assert api.post(LOGOUT, **bearer(renewed["access_token"])).status_code == 204
    assert api.get(ME, **bearer(renewed["access_token"])).status_code == 401
    refused = api.post(REFRESH, {"refresh_token": renewed["refresh_token"]}, format="json")
    assert (refused.status_code, refused["WWW-Authenticate"]) == (401, "Bearer")


def test_either_slash(api, phone):
    assert api.post(REQUEST + "/", {"phone": phone}, format="json").status_code == 200


def test_known_and_unknown_phones_get_the_same_answers(api, phone, person):
    answers = [api.post(REQUEST, {"phone": number}, format="json") for number in (phone, person.phone)]
    assert [(a.status_code, a.content) for a in answers] == [(200, answers[0].content)] * 2
    refusals = [api.post(REQUEST, {"phone": number}, format="json") for number in (phone, person.phone)]
    assert [(a.status_code, a["Retry-After"]) for a in refusals] == [(429, "60")] * 2


def test_wrong_used_and_never_sent_codes_get_one_sentence(api, phone, person):
    api.post(REQUEST, {"phone": phone}, format="json")
    right = code_of(phone)
    assert api.post(VERIFY, {"phone": phone, "otp": other_than(right)}, format="json").status_code == 400
    assert api.post(VERIFY, {"phone": phone, "otp": right}, format="json").status_code == 200
    used = api.post(VERIFY, {"phone": phone, "otp": right}, format="json")
    never = api.post(VERIFY, {"phone": person.phone, "otp": right}, format="json")
    sentences = [{**answer.json(), "instance": ""} for answer in (used, never)]
    assert sentences[0] == sentences[1]
    assert sentences[0]["detail"] == "This code is not valid. Ask for a new one."


def test_a_refused_look_is_counted(api, phone):
    api.post(REQUEST, {"phone": phone}, format="json")
    api.post(VERIFY, {"phone": phone, "otp": other_than(code_of(phone))}, format="json")
    assert OneTimeCode.objects.get().tries == 1


def test_an_expired_header_does_not_keep_anybody_from_logging_in(api, phone):
    assert api.post(REQUEST, {"phone": phone}, format="json", **bearer("old")).status_code == 200


def test_an_api_key_has_nothing_to_log_out_of(api):
    from accounts.services import issue_api_key

    key = issue_api_key(username="robot", role="service")
    assert api.post(LOGOUT, **bearer(key)).status_code == 409


def test_logout_closes_one_session_only(api, person, tokens):
    from accounts.services import open_session

    other = open_session(user=person)
    api.post(LOGOUT, **bearer(tokens.access_token))
    assert api.get(ME, **bearer(other.access_token)).status_code == 200


BAD_BODIES = [
    b"",
    b"null",
    b"[]",
    b'"text"',
    b"{",
    b"\xff",
    b"{}",
    b'{"phone": null, "otp": null, "refresh_token": null}',
    b'{"phone": 4930901820, "otp": 123456, "refresh_token": 7}',
    b'{"phone": true, "otp": true, "refresh_token": true}',
    b'{"phone": [], "otp": {}, "refresh_token": []}',
    b'{"phone": "+4930901820\\u0000", "otp": "12345\\u0000", "refresh_token": "\\u0000"}',
    b'{"phone": "\\ud800", "otp": "\\ud800", "refresh_token": "\\ud800"}',
    '{"phone": "+4930901820", "otp": "१२३४५६", "refresh_token": "é.é.é"}'.encode(),
    b'{"phone": "+4930901820", "otp": "1234567", "refresh_token": ""}',
    b'{"phone": "+4930901820", "otp": "123456", "refresh_token": "a.b.c", "extra": 1}',
    json.dumps({"phone": "+" + "1" * 1_000_000, "otp": "1" * 1_000_000, "refresh_token": "x"}).encode(),
    json.dumps({"phone": "+1", "otp": "1", "refresh_token": "x" * 1_000_000}).encode(),
    json.dumps({"phone": "x" * 2_000_000, "otp": "1", "refresh_token": "x"}).encode(),
    b"[" * 100_000,
]


@pytest.mark.parametrize("body", BAD_BODIES, ids=range(len(BAD_BODIES)))
@pytest.mark.parametrize("path", [REQUEST, VERIFY, REFRESH])
def test_bad_input_is_a_problem_of_the_client(api, path, body):
    answer = api.post(path, body, content_type="application/json")
    assert 400 <= answer.status_code < 500
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == answer.status_code
    assert not User.objects.exists() and not Session.objects.exists()


def test_a_wrong_method_and_a_form_are_problems(api):
    assert api.get(REQUEST).status_code == 405
    assert api.post(REQUEST, {"phone": "+4930901820"}, format="multipart").status_code == 415


def test_logout_takes_no_body(api, tokens):
    answer = api.post(LOGOUT, {"all": True}, format="json", **bearer(tokens.access_token))
    assert answer.status_code == 400


def test_addresses_are_throttled_besides_phones(api, monkeypatch, redis):
    from base.throttles import ScopedThrottle

    monkeypatch.setitem(ScopedThrottle.THROTTLE_RATES, "otp_request", "2/hour")
    answers = [api.post(REQUEST, {"phone": f"+4930555000{n}"}, format="json") for n in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[2]["Retry-After"]) > 3000


def test_the_schema_tells_all(capsys):
    call_command("spectacular", "--format", "openapi-json", "--fail-on-warn", "--urlconf", "accounts.urls")
    schema = json.loads(capsys.readouterr().out)
    for path, method, status in [
        ("/auth/request-otp", "post", "200"),
        ("/auth/verify-otp", "post", "200"),
        ("/auth/refresh", "post", "200"),
        ("/auth/logout", "post", "204"),
        ("/users/me", "get", "200"),
    ]:
        operation = schema["paths"][path][method]
        assert {status, "400", "401", "429"} <= set(operation["responses"])
        is_open = path in {"/auth/request-otp", "/auth/verify-otp", "/auth/refresh"}
        assert (operation.get("security", [{}]) == [{}]) == is_open
    assert set(schema["components"]["securitySchemes"]) == {"bearer", "console"}
