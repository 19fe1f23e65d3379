"""One row, or one event, with one line."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import factory
from django.utils import timezone

from features.intake.ingest import NewEvent
from features.language.pure import Happening

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
_numbers = itertools.count(1)


def watered(
    plot: str = "a", *, days_ago: float = 0, litres: Any = 10, now: datetime | None = None, **more: Any
) -> NewEvent:
    number = next(_numbers)
    return NewEvent(
        source=more.pop("source", "tests"),
        source_id=more.pop("source_id", f"watered-{number}"),
        event_type=more.pop("event_type", "garden.watered"),
        entity_id=plot,
        event_time=(now or NOON) - timedelta(days=days_ago),
        data={"litres": str(litres)} | more,
    )


def harvested(plot: str = "a", *, days_ago: float = 0, kilograms: Any = 2, now: datetime | None = None) -> NewEvent:
    return NewEvent(
        source="tests",
        source_id=f"harvested-{next(_numbers)}",
        event_type="garden.harvested",
        entity_id=plot,
        event_time=(now or NOON) - timedelta(days=days_ago),
        data={"kilograms": str(kilograms)},
    )


def happening(event: NewEvent, number: int = 0) -> Happening:
    """The event as the pure meaning of features sees it."""
    return Happening(event.event_type, event.event_time, event.value, event.data, number)


class UserFactory(factory.django.DjangoModelFactory):
    """A person or program without a password."""

    class Meta:
        model = "accounts.User"

    username = factory.Sequence(lambda number: f"user{number}")
    role = "client"


def user(role: str = "client", **fields: Any) -> Any:
    return UserFactory(role=role, **fields)


def client(someone: Any) -> Any:
    """An API client that sends the user's own access token, of a session that nobody had to log in for."""
    from rest_framework.test import APIClient

    from accounts.models import Session
    from accounts.tokens import new_jti, tokens_for

    ends_at = timezone.now() + timedelta(days=14)
    session = Session.objects.create(user=someone, expires_at=ends_at, refresh_jti=new_jti())
    made = APIClient()
    made.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens_for(session).access_token}")
    return made
