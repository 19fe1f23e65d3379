"""Phones, people and tokens for these tests."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Barrier
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection

_number = count(1)


@pytest.fixture
def phone() -> str:
    """A number nobody has."""
    return f"+49301{next(_number):07d}"


@pytest.fixture
def outbox(settings, tmp_path) -> Callable[[], list[dict[str, str]]]:
    """The text messages sent so far, oldest first."""
    settings.OUTBOX_DIR = tmp_path
    return lambda: [json.loads(path.read_text()) for path in sorted((tmp_path / "sms").glob("*.json"))]


@pytest.fixture
def person(db):
    from accounts.models import User

    return User.objects.create_user("ann", password="a long pass phrase", phone="+4930901820")


@pytest.fixture
def tokens(person):
    from accounts.services import open_session

    return open_session(user=person)


def code_of(phone: str) -> str:
    """The digits of the phone's newest code, as the message has them."""
    from accounts import rules
    from accounts.models import OneTimeCode

    row = OneTimeCode.objects.filter(phone=phone).latest("created_at")
    return rules.code_for(row.pk, phone, pepper=django_settings.OTP_PEPPER)


def token_in(body: str) -> str:
    """The token that a mail asks to enter."""
    return max(body.split(), key=lambda word: "/" not in word and len(word))


def bearer(token: str) -> dict[str, str]:
    return {"HTTP_AUTHORIZATION": f"Bearer {token}"}


def other_than(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Run calls at the same moment, each on its own connection. Returns results; a raised exception is one."""
    start = Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        try:
            connection.ensure_connection()
            start.wait(10)
            return call()
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))
