"""Whatever order things happen in, only the newest refresh token of an open session renews it."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from accounts.authentication import BY_SESSION, _find
from accounts.models import Session, User
from accounts.services import (
    InvalidRefreshToken,
    lock_user,
    open_session,
    refresh_session,
    revoke_other_sessions,
    revoke_session,
    unlock_user,
)
from accounts.tokens import Tokens, read_access, read_refresh


class Refreshing(RuleBasedStateMachine):
    tokens: Any = Bundle("tokens")

    def __init__(self) -> None:
        super().__init__()
        User.objects.all().delete()
        self.user = User.objects.create_user("ann")
        self.newest: dict[str, str] = {}  # of each session, its good refresh token
        self.open: set[str] = set()

    @rule(target=tokens)
    def log_in(self) -> Tokens:
        granted = open_session(user=self.user)
        session_id = str(read_access(granted.access_token).session_id)
        self.newest[session_id] = granted.refresh_token
        if User.objects.get(pk=self.user.pk).is_active:
            self.open.add(session_id)
        else:  # nobody logs a locked user in; what is opened all the same renews nothing
            revoke_session(session_id=session_id)
        return granted

    @rule(target=tokens, old=tokens)
    def renew(self, old: Tokens) -> Tokens:
        session_id = str(read_refresh(old.refresh_token).session_id)
        may = session_id in self.open and self.newest[session_id] == old.refresh_token
        try:
            granted = refresh_session(refresh_token=old.refresh_token)
        except InvalidRefreshToken:
            assert not may
            self.open.discard(session_id)  # spent: there is no telling who is the thief
            return old
        assert may
        self.newest[session_id] = granted.refresh_token
        return granted

    @rule(of=tokens)
    def log_out(self, of: Tokens) -> None:
        session_id = str(read_refresh(of.refresh_token).session_id)
        assert revoke_session(session_id=session_id) == (session_id in self.open)
        self.open.discard(session_id)

    @rule(of=tokens)
    def log_out_elsewhere(self, of: Tokens) -> None:
        session = Session.objects.get(pk=read_refresh(of.refresh_token).session_id)
        others = self.open - {str(session.pk)}
        assert revoke_other_sessions(keep=session) == len(others)
        self.open -= others

    @rule(of=tokens)
    def two_weeks_pass(self, of: Tokens) -> None:
        session_id = str(read_refresh(of.refresh_token).session_id)
        Session.objects.filter(pk=session_id).update(expires_at=F("expires_at") - timedelta(days=15))
        if session_id in self.open:  # it ends without being closed
            revoke_session(session_id=session_id)
        self.open.discard(session_id)

    @rule(again=st.booleans())
    def lock(self, again: bool) -> None:
        lock_user(user=self.user, reason="test")
        self.open.clear()
        if again:
            unlock_user(user=self.user, reason="test")

    @rule()
    def unlock(self) -> None:
        unlock_user(user=self.user, reason="test")

    @rule(of=tokens)
    def ask(self, of: Tokens) -> None:
        session_id = str(read_access(of.access_token).session_id)
        assert (_find(Session, BY_SESSION, session_id, None) is not None) == (session_id in self.open)

    @invariant()
    def the_rows_say_the_same(self) -> None:
        rows = Session.objects.filter(revoked_at=None).values_list("pk", flat=True)
        assert {str(pk) for pk in rows} == self.open


@pytest.mark.django_db(transaction=True)
def test_only_the_newest_refresh_token_of_an_open_session_renews_it():
    run_state_machine_as_test(
        Refreshing,
        settings=settings(
            max_examples=int(os.environ.get("MILLRACE_EXAMPLES", "6")),
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
