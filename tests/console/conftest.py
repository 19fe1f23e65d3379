"""Staff at the console, and something for them to look at."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db.models.functions import Now
from django.test import Client

from tests import makers
from tests.console.browser import chromium, orm_beside_the_browser, page  # noqa: F401 - fixtures

BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def staff(db):
    """`staff("operator")` is a browser in which somebody of that role is logged in; `.person` is who."""
    from accounts.services import assign_role

    def log_in(role: str, **options: Any) -> Client:
        person = assign_role(user=makers.user(), role=role)
        browser = Client(**options)
        browser.person = person
        browser.force_login(person, backend=BACKEND)
        return browser

    return log_in


def new_task(status: str = "pending", **fields: Any):
    """A task row in a state, with what that state needs."""
    from tasks.models import Task

    if status in ("completed", "failed", "cancelled"):
        fields = {"completed_at": Now(), "started_at": Now(), **fields}
    if status == "processing":
        fields = {"lease_until": Now() + timedelta(seconds=30), "attempt_started_at": Now(), **fields}
    fields = {"name": "garden.note", "queue_name": "default", "kwargs": {"name": "x"}, **fields}
    task = Task.objects.create(status=status, **fields)
    return Task.objects.get(pk=task.pk)


def ask_for_loan(amount: int = 45_000):
    from loans.services import request_loan

    return request_loan(user=makers.user(), requested_amount=Decimal(amount), purpose="car", term_months=24).request


def told(answer) -> list[str]:
    """The sentences a page shows after a press."""
    return [str(message) for message in answer.context["messages"]]
