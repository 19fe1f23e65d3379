from datetime import timedelta

import pytest
from django.conf import settings
from django.db.models import F
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from accounts import services
from accounts.models import Session
from accounts.services import InvalidRefreshToken, refresh_session
from audit.models import Entry

pytestmark = pytest.mark.django_db


def test_a_refresh_gives_new_tokens(tokens):
    new = refresh_session(refresh_token=tokens.refresh_token)
    assert new.refresh_token != tokens.refresh_token
    assert refresh_session(refresh_token=new.refresh_token)


def test_a_spent_refresh_token_closes_the_session_for_thief_and_owner(tokens):
    new = refresh_session(refresh_token=tokens.refresh_token)
    with pytest.raises(InvalidRefreshToken):
        refresh_session(refresh_token=tokens.refresh_token)
    with pytest.raises(InvalidRefreshToken):
        refresh_session(refresh_token=new.refresh_token)
    assert Session.objects.get().revoked_reason == "token_reused"
    assert Entry.objects.filter(action="refresh_token_reused", status="denied").count() == 1


def test_the_end_of_a_session_never_moves(tokens):
    before = Session.objects.get()
    assert before.expires_at - before.created_at - timedelta(days=14) < timedelta(seconds=5)
    new = refresh_session(refresh_token=tokens.refresh_token)
    assert Session.objects.get().expires_at == before.expires_at
    assert RefreshToken(new.refresh_token)["exp"] == int(before.expires_at.timestamp())


def test_an_access_token_does_not_outlive_its_session(person):
    from accounts.tokens import tokens_for

    services.open_session(user=person)
    Session.objects.update(expires_at=F("expires_at") - timedelta(days=14) + timedelta(minutes=3))
    session = Session.objects.get()
    assert AccessToken(tokens_for(session).access_token)["exp"] == int(session.expires_at.timestamp())


def test_an_ended_session_is_not_refreshed(tokens):
    Session.objects.update(expires_at=F("expires_at") - timedelta(days=14))
    with pytest.raises(InvalidRefreshToken):
        refresh_session(refresh_token=tokens.refresh_token)


def test_a_blocked_user_cannot_refresh_even_where_the_session_was_left_open(person, tokens):
    person.is_active = False
    person.save()
    with pytest.raises(InvalidRefreshToken):
        refresh_session(refresh_token=tokens.refresh_token)
    assert Session.objects.get().revoked_reason == "user_blocked"


@pytest.mark.parametrize("kind", ["access", "other key", "other issuer", "no signature", "garbage", "empty", "long"])
def test_other_tokens_do_not_refresh(tokens, kind):
    import jwt

    good = jwt.decode(tokens.refresh_token, options={"verify_signature": False})
    raw = {
        "access": tokens.access_token,
        "other key": jwt.encode(good, "k" * 40, algorithm="HS256"),
        "other issuer": jwt.encode({**good, "iss": "x"}, settings.SIMPLE_JWT["SIGNING_KEY"], algorithm="HS256"),
        "no signature": jwt.encode(good, "", algorithm="none"),
        "garbage": "a.b.c",
        "empty": "",
        "long": "x" * 100_000,
    }[kind]
    with pytest.raises(InvalidRefreshToken):
        refresh_session(refresh_token=raw)
    assert refresh_session(refresh_token=tokens.refresh_token)


def test_revoking_twice_says_so(tokens):
    session = Session.objects.get()
    assert services.revoke_session(session_id=session.pk)
    assert not services.revoke_session(session_id=session.pk)
    assert Entry.objects.filter(action="session_revoked").count() == 1


def test_no_token_is_in_the_trail(tokens):
    new = refresh_session(refresh_token=tokens.refresh_token)
    trail = str(list(Entry.objects.values()))
    for token in (tokens, new):
        assert token.access_token not in trail and token.refresh_token not in trail
        assert RefreshToken(token.refresh_token)["jti"] not in trail
