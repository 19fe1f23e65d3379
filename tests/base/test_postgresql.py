"""Connections of requests: a lost one is replaced before it is used, and a good one is not asked whether it is."""

import pytest
from django.conf import settings
from django.db.utils import ConnectionHandler

from base.postgresql import base as backend
from launcher.postgres import postgres as run_postgres
from tests.chaos.world import Own

pytestmark = pytest.mark.django_db


def connection_to(url: str):
    """As web processes have it."""
    from environ import Env

    kept = {name: settings.DATABASES["default"][name] for name in ("ENGINE", "CONN_MAX_AGE", "CONN_HEALTH_CHECKS")}
    return ConnectionHandler({"default": Env.db_url_config(url) | kept})["default"]


def serve_request(connection) -> int:
    """What Django does when a request begins, and one query. Returns the number of the backend."""
    connection.close_if_unusable_or_obsolete()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return cursor.fetchone()[0]


@pytest.fixture
def asked(monkeypatch):
    """Each time a connection was asked whether it works."""
    calls = []
    was = backend.DatabaseWrapper.is_usable
    monkeypatch.setattr(backend.DatabaseWrapper, "is_usable", lambda self: calls.append(self) or was(self))
    return calls


@pytest.fixture
def own(db):
    from django.db import connection as usual

    made = usual.copy()
    yield made
    made.close()


def test_the_product_uses_it():
    assert settings.DATABASES["default"]["ENGINE"] == "base.postgresql"
    assert settings.DATABASES["default"]["CONN_HEALTH_CHECKS"]


def test_a_good_connection_is_kept_and_not_asked(own, asked):
    assert len({serve_request(own) for _ in range(20)}) == 1
    assert not asked


def test_after_a_while_it_is_asked_once(own, asked, monkeypatch):
    first = serve_request(own)
    own._sure_until = 0.0
    assert {serve_request(own) for _ in range(5)} == {first}
    assert len(asked) == 1


def test_the_request_after_its_backend_was_ended_succeeds(own):
    ended = serve_request(own)
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [ended])
        assert cursor.fetchone() == (True,)
    assert serve_request(own) != ended


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_the_first_request_after_a_restart_succeeds(tmp_path, how):
    server = Own(lambda: run_postgres(tmp_path))
    try:
        connection = connection_to(server.server.url)
        serve_request(connection)
        getattr(server, how)()
        server.start()
        assert serve_request(connection) > 0
        connection.close()
    finally:
        server.stop()
