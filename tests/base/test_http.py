"""What is true of every address: problems, slashes, health, correlation ids, roles."""

import re

import pytest
from django.http import HttpResponse
from django.urls import URLPattern, URLResolver, get_resolver

from base.permissions import is_open, roles_of
from base.roles import Role
from tests import makers

pytestmark = pytest.mark.django_db


def routes(resolver=None, prefix="/"):
    """(path with example arguments, view class) of each API route."""
    for entry in (resolver or get_resolver()).url_patterns:
        path = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from routes(entry, path)
        elif isinstance(entry, URLPattern) and path.startswith("/api/v1/") and hasattr(entry.callback, "view_class"):
            path = re.sub(r"<uuid:\w+>", "00000000-0000-0000-0000-000000000000", path)
            path = re.sub(r"<int:\w+>", "0", path)
            path = re.sub(r"<str:(\w+)>", r"{\1}", path)
            yield path, entry.callback.view_class


ROUTES = sorted(routes(), key=lambda route: route[0])
METHODS = ["get", "post", "put", "patch", "delete"]


def is_public(view, method="get"):
    return is_open(view, method.upper()) or view.__module__.startswith("drf_spectacular")


@pytest.mark.parametrize(("path", "view"), ROUTES, ids=[path for path, _ in ROUTES])
def test_every_route_declares_who_may_call_it(path, view):
    assert is_public(view) or getattr(view, "roles", None)


@pytest.mark.parametrize(("path", "view"), ROUTES, ids=[path for path, _ in ROUTES])
def test_every_answer_to_a_stranger_is_a_problem_and_never_5xx(api, path, view):
    for method in METHODS:
        for data in ({"unknown": "\x00"}, [1], "text"):
            response = getattr(api, method)(path, data, format="json") if method != "get" else api.get(path)
            assert response.status_code < 500
            if response.status_code >= 400:
                assert response["Content-Type"] == "application/problem+json"
                body = response.json()
                assert {"type", "title", "status", "detail", "instance"} <= set(body)
                assert body["status"] == response.status_code
            if not is_public(view, method):
                assert response.status_code in (401, 405, 415), (method, response.status_code)


@pytest.mark.parametrize(("path", "view"), ROUTES, ids=[path for path, _ in ROUTES])
def test_the_wrong_role_is_refused(api, path, view):
    methods = [method for method in ("get", "post") if hasattr(view, method) and not is_public(view, method)]
    for role in set(Role) - {Role.ADMIN} if methods else ():
        user = makers.user(role)
        for method in methods:
            api.force_authenticate(user)
            response = getattr(api, method)(path, {}, format="json") if method == "post" else api.get(path)
            allowed = role in roles_of(view, method.upper())
            assert (response.status_code == 403) != allowed, (role, method, response.status_code)


def test_a_media_type_that_is_not_served_is_a_problem(api):
    api.force_authenticate(makers.user(Role.OPERATOR))
    for path, accept in (("/api/v1/tasks/", "text/html"), ("/api/v1/tasks/events", "application/json")):
        response = api.get(path, headers={"accept": accept})
        assert response.status_code == 406 and response["Content-Type"] == "application/problem+json"


def test_an_unknown_address_is_a_problem(api):
    for path in ("/nothing", "/api/v1/nothing", "/api/v1/tasks/not-a-uuid", "/api/v1/%00"):
        response = api.get(path)
        assert response.status_code == 404 and response["Content-Type"] == "application/problem+json"


def test_a_slash_more_or_less_does_not_matter(api):
    api.force_authenticate(makers.user(Role.OPERATOR))
    for path in ("/api/v1/features/discovery", "/api/v1/loans/"):
        other = path[:-1] if path.endswith("/") else path + "/"
        assert api.get(path).status_code == api.get(other).status_code == 200


def test_health_needs_no_host_and_readiness_asks_the_database(client):
    assert client.get("/healthz", headers={"host": "evil.example"}).json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ready"}


def test_a_well_formed_request_id_is_kept_and_another_replaced(client):
    assert client.get("/healthz").status_code == 200
    assert client.get("/api/v1/x", headers={"X-Request-ID": "abcd-1234"})["X-Request-ID"] == "abcd-1234"
    replaced = client.get("/api/v1/x", headers={"X-Request-ID": "a b\n"})["X-Request-ID"]
    assert replaced != "a b\n" and len(replaced) == 32


def test_every_answer_of_the_api_has_the_headers_of_a_page(api, client):
    page = client.get("/admin/login/")
    for answer in (api.get("/api/v1/nothing"), api.get("/api/v1/tasks/"), client.get("/api/v1/tasks/")):
        for name in ("X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy", "Cross-Origin-Opener-Policy"):
            assert answer[name] == page[name]
        assert "default-src 'self'" in answer["Content-Security-Policy"]
        assert "unsafe" not in answer["Content-Security-Policy"]
    assert "'unsafe-inline'" in page["Content-Security-Policy"]


def test_an_api_request_without_a_cookie_has_no_session(rf):
    from base.pages import Sessions

    with_session = Sessions(lambda request: HttpResponse("session" if hasattr(request, "session") else "none"))
    assert with_session(rf.get("/api/v1/tasks/")).content == b"none"
    assert with_session(rf.get("/api/v1/tasks/", HTTP_COOKIE="sessionid=x")).content == b"session"
    assert with_session(rf.get("/admin/")).content == b"session"


def test_a_host_that_is_not_ours_is_refused(client):
    assert client.get("/api/v1/docs/", headers={"host": "evil.example"}).status_code == 400


def test_metrics_are_for_this_machine_or_the_holder_of_the_token(client, settings):
    assert client.get("/metrics", REMOTE_ADDR="192.0.2.7").status_code == 404
    settings.METRICS_TOKEN = "t0ken"
    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", headers={"authorization": "Bearer t0ken"}).status_code == 200


def test_metrics_tell_of_requests_and_tasks(client):
    text = client.get("/metrics").content.decode()
    assert "django_http_requests_total" in text and "millrace_tasks_dead" in text
    assert "millrace_wake_up_failures_total" in text
