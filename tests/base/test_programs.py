"""The short way: a program's request passes by what pages need, and nothing about its answer shows it."""

import pytest
from django.middleware.security import SecurityMiddleware

from accounts.people import issue_api_key
from base.roles import Role

pytestmark = pytest.mark.django_db
DISCOVERY = "/api/v1/features/discovery"
OWN = {"X-Request-ID"}


@pytest.fixture
def bearer():
    return {"HTTP_AUTHORIZATION": f"Bearer {issue_api_key(username='till', role=Role.ANALYST)}"}


@pytest.fixture
def long_ways(monkeypatch):
    """The requests that came by the middleware of pages."""
    seen, before = [], SecurityMiddleware.process_request
    monkeypatch.setattr(
        SecurityMiddleware, "process_request", lambda self, request: seen.append(request.path) or before(self, request)
    )
    return seen


@pytest.mark.parametrize("path", [DISCOVERY, "/api/v1/nothing", "/api/v1/features/discovery?unknown=1"])
@pytest.mark.parametrize("secure", [False, True])
def test_both_ways_answer_with_the_same_headers(api, bearer, long_ways, settings, path, secure):
    settings.SECURE_HSTS_SECONDS = 60
    short = api.get(path, secure=secure, **bearer)
    assert not long_ways
    long = api.get(path, secure=secure, **bearer, HTTP_COOKIE="a=b")
    assert len(long_ways) == 1
    assert short.status_code == long.status_code
    assert {k: v for k, v in short.items() if k not in OWN} == {k: v for k, v in long.items() if k not in OWN}


def test_pages_strangers_and_cookies_take_the_long_way(api, client, bearer, long_ways):
    client.get("/admin/login/", **bearer)
    api.get(DISCOVERY)
    api.get(DISCOVERY, **bearer, HTTP_COOKIE="sessionid=x")
    assert len(long_ways) == 3


def test_a_host_that_is_not_ours_is_refused(api, bearer):
    answer = api.get(DISCOVERY, **bearer, HTTP_HOST="evil.example")
    assert answer.status_code == 400 and answer["Content-Type"] == "application/problem+json"
    assert "default-src 'self'" in answer["Content-Security-Policy"]


def test_without_tls_a_program_is_sent_to_it(api, bearer, settings):
    settings.SECURE_SSL_REDIRECT = True
    assert api.get(DISCOVERY, **bearer)["Location"].startswith("https://")
    assert api.get(DISCOVERY, **bearer, secure=True).status_code == 200
