"""Who may do what with recordings: programs send them, staff see all, others their own."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404

from base.roles import Role
from recordings.models import Measurement, RecordingSession

READERS = frozenset({Role.CLIENT, Role.SERVICE, Role.ANALYST, Role.OPERATOR})
SENDERS = frozenset({Role.SERVICE, Role.OPERATOR})
REMOVERS = frozenset({Role.CLIENT, Role.SERVICE, Role.OPERATOR})
SEE_ALL = frozenset({Role.ANALYST, Role.OPERATOR, Role.ADMIN})


def sessions_of(user: Any) -> QuerySet[RecordingSession]:
    """Those that somebody may see."""
    sessions = RecordingSession.objects.all()
    return sessions if user.is_superuser or user.role in SEE_ALL else sessions.filter(created_by_id=user.pk)


def find_session(user: Any, session_id: UUID) -> RecordingSession:
    """Raises Http404 for what is not there or not to be seen."""
    session = sessions_of(user).filter(pk=session_id).first()
    if session is None:
        raise Http404
    return session


def find_measurement(user: Any, measurement_id: UUID) -> Measurement:
    """With its session. Raises Http404 for what is not there or not to be seen."""
    found = Measurement.objects.select_related("session").filter(pk=measurement_id)
    measurement = found.filter(session__in=sessions_of(user)).first()
    if measurement is None:
        raise Http404
    return measurement
