"""What happened to a task, as events derived from its rows. Each has an id that says its place, so that a client that
comes back gets what came later, and nothing twice.

`<attempt>.<phase>`: 0 created, 1 attempt started, 2 progress, 3 attempt ended, 4 the task ended. Progress, of which
only the latest is told, adds a mark of what it said.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from tasks.models import TERMINAL, Status

CREATED, STARTED, PROGRESS, ATTEMPT_ENDED, ENDED = range(5)
TASK_POSITION = re.compile(r"(\d{1,5})\.([0-4])(?:\.([0-9a-f]{12}))?")
END_POSITION = re.compile(r"(\d{1,17})-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
LAST_UUID = "ffffffff-ffff-ffff-ffff-ffffffffffff"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

SNAPSHOTS = """
SELECT t.id::text, t.name, t.status, t.attempt, t.max_attempts, t.created_at, t.attempt_started_at, t.completed_at,
  t.progress, t.progress_message, t.cancel_requested_at IS NOT NULL, t.error_type, left(t.error_message, 500),
  (SELECT json_agg(json_build_array(a.number, a.started_at, a.ended_at, a.outcome, a.error_type,
     left(a.error_message, 500)) ORDER BY a.number) FROM tasks_attempt a WHERE a.task_id = t.id)
FROM tasks_task t WHERE t.id = ANY(%s::uuid[])
"""
FINISHED = """
SELECT t.completed_at, t.id::text, t.name, t.queue_name, t.status, t.error_type,
  extract(epoch FROM t.completed_at - t.attempt_started_at)::float8
FROM tasks_task t
WHERE t.completed_at >= %(since)s AND (t.completed_at, t.id) > (%(since)s, %(id)s::uuid) AND t.completed_at <= %(until)s
ORDER BY t.completed_at, t.id LIMIT %(limit)s
"""


class BadPosition(ValueError):
    """A Last-Event-ID that no event of this stream had."""


@dataclass(frozen=True, slots=True)
class Event:
    """One server-sent event; without an id it does not count for coming back."""

    name: str
    data: dict[str, Any]
    id: str = ""

    def encode(self) -> str:
        lines = [f"id: {self.id}"] if self.id else []
        return "\n".join([*lines, f"event: {self.name}", f"data: {orjson.dumps(self.data).decode()}", "", ""])


@dataclass(frozen=True, slots=True)
class Position:
    """How far a client has followed one task."""

    attempt: int = 0
    phase: int = -1
    mark: str = ""

    @classmethod
    def parse(cls, text: str) -> Position:
        match = TASK_POSITION.fullmatch(text)
        if match is None or (match[3] is not None) != (match[2] == str(PROGRESS)):
            raise BadPosition("Last-Event-ID is not an id of this stream.")
        return cls(int(match[1]), int(match[2]), match[3] or "")

    def __str__(self) -> str:
        return f"{self.attempt}.{self.phase}" + (f".{self.mark}" if self.mark else "")

    def is_before(self, other: Position) -> bool:
        """Progress replaces progress of the same attempt, whichever says more."""
        if (self.attempt, self.phase) == (other.attempt, other.phase):
            return self.phase == PROGRESS and self.mark != other.mark
        return (self.attempt, self.phase) < (other.attempt, other.phase)


@dataclass(frozen=True, slots=True)
class Tried:
    number: int
    started_at: Any
    ended_at: Any
    outcome: str
    error_type: str
    error_message: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A task's rows at one moment."""

    id: str
    name: str
    status: str
    attempt: int
    max_attempts: int
    created_at: datetime
    attempt_started_at: datetime | None
    completed_at: datetime | None
    progress: int
    progress_message: str
    cancelling: bool
    error_type: str
    error_message: str
    tried: tuple[Tried, ...] = ()

    @property
    def has_ended(self) -> bool:
        return self.status in TERMINAL


def snapshots(task_ids: Iterable[str]) -> dict[str, Snapshot]:
    with connection.cursor() as cursor:
        cursor.execute(SNAPSHOTS, [list(task_ids)])
        rows = cursor.fetchall()
    found = {}
    for *values, tried in rows:
        tried = json.loads(tried) if isinstance(tried, str) else tried or []
        found[values[0]] = Snapshot(*[*values, tuple(Tried(*one) for one in tried)])
    return found


def events_of(task: Snapshot) -> list[tuple[Position, Event]]:
    """Everything there is to tell, in order."""
    found = [_at(Position(0, CREATED), "created", {"name": task.name, "created_at": task.created_at})]
    for one in task.tried:
        found.append(_at(Position(one.number, STARTED), "started", _start(one.number, one.started_at, task)))
        error = {"type": one.error_type, "message": one.error_message} if one.error_type else None
        ended = {"attempt": one.number, "ended_at": one.ended_at, "outcome": one.outcome, "error": error}
        found.append(_at(Position(one.number, ATTEMPT_ENDED), "attempt_ended", ended))
    if task.status == Status.PROCESSING:
        start = _start(task.attempt, task.attempt_started_at, task)
        found.append(_at(Position(task.attempt, STARTED), "started", start))
        said = (task.progress, task.progress_message, task.cancelling)
        if any(said):
            mark = hashlib.sha256(repr(said).encode()).hexdigest()[:12]
            data = dict(zip(("progress_percentage", "progress_message", "cancel_requested"), said, strict=True))
            found.append(_at(Position(task.attempt, PROGRESS, mark), "progress", {"attempt": task.attempt, **data}))
    if task.has_ended:
        error = {"type": task.error_type, "message": task.error_message} if task.error_type else None
        error = None if task.status == Status.COMPLETED else error
        data = {"status": task.status, "completed_at": task.completed_at, "error": error}
        found.append(_at(Position(task.attempt, ENDED), task.status, data))
    return found


def _at(position: Position, name: str, data: dict[str, Any]) -> tuple[Position, Event]:
    return position, Event(name, data, str(position))


def _start(number: int, started_at: Any, task: Snapshot) -> dict[str, Any]:
    return {"attempt": number, "max_attempts": task.max_attempts, "started_at": started_at}


@dataclass(frozen=True, slots=True, order=True)
class End:
    """A place in the order in which tasks ended."""

    at: datetime
    id: str = LAST_UUID

    @classmethod
    def parse(cls, text: str) -> End:
        match = END_POSITION.fullmatch(text)
        if match is None:
            raise BadPosition("Last-Event-ID is not an id of this stream.")
        try:
            return cls(EPOCH + timedelta(microseconds=int(match[1])), match[2])
        except OverflowError:
            raise BadPosition("Last-Event-ID is not an id of this stream.") from None

    def __str__(self) -> str:
        return f"{(self.at - EPOCH) // timedelta(microseconds=1)}-{self.id}"


def ended_since(after: End, until: datetime, *, limit: int) -> list[tuple[End, Event]]:
    """Tasks that ended after a place and not after a moment, in order."""
    values: dict[str, Any] = {"since": after.at, "id": str(UUID(after.id)), "until": until, "limit": limit}
    with connection.cursor() as cursor:
        cursor.execute(FINISHED, values)
        rows = cursor.fetchall()
    names = ("completed_at", "task_id", "name", "queue", "status", "error_type", "run_s")
    found = []
    for row in rows:
        place = End(row[0], row[1])
        found.append((place, Event("ended", dict(zip(names, row, strict=True)), str(place))))
    return found
