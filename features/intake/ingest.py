"""Take raw events in: each once, with its entity, mark, counts and the task that will count it, or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from msgspec import to_builtins

from base import statements
from features import tasks
from features.definitions import Event, InvalidEvent, event_types
from features.erasure.tombstones import HASHED, pads
from features.intake.bulk import as_json, copy_in
from features.intake.checks import checked_value
from features.intake.marks import CHANGED_TYPES, MARKS, NEW_MARKS


@dataclass(kw_only=True, slots=True)
class NewEvent:
    """One event on its way in. (source, source_id) names it for ever; sending it again changes nothing."""

    source: str
    source_id: str
    event_type: str
    entity_id: str
    event_time: datetime
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def declaration(self) -> type[Event]:
        try:
            return event_types()[self.event_type]
        except KeyError:
            raise InvalidEvent("type", f"is unknown: no event is called {self.event_type[:80]!r}") from None

    @property
    def value(self) -> Decimal | None:
        """The typed number or None, once the data is held against the declaration. Raises InvalidEvent."""
        return self.declaration.check(self.data)


@dataclass(frozen=True, slots=True)
class Ingested:
    """accepted: events handed in; added: those not known before; task_ids: what will bring features up to date;
    known: places in what was handed in of those that were there already; erased: of those that were not stored
    because their entity was erased."""

    accepted: int
    added: int
    task_ids: list[str]
    known: list[int] = field(default_factory=list)
    erased: list[int] = field(default_factory=list)


WAIT = "LOCK TABLE raw_events IN ROW EXCLUSIVE MODE; "
# Whether an entity was erased is asked in this statement, which waits for an erasure's lock before it takes its
# snapshot (features/erasure); while there is no tombstone nothing is hashed.
INSERT = f"""
WITH given AS MATERIALIZED (
  SELECT * FROM jsonb_to_recordset({{rows}}::jsonb) AS x(
    n int, source text, source_id text, entity_type text, entity_id text, event_type text, event_time timestamptz,
    value numeric, payload jsonb)
), erased AS MATERIALIZED (
  SELECT given.n FROM given WHERE EXISTS (SELECT FROM features_erasedentity)
    AND (entity_type, {HASHED}) IN (SELECT gone.entity_type, gone.digest FROM features_erasedentity gone)
), input AS MATERIALIZED (
  SELECT * FROM given WHERE NOT EXISTS (SELECT FROM erased WHERE erased.n = given.n)
), added AS (
  INSERT INTO raw_events (source, source_id, entity_type, entity_id, event_type, event_time, value, payload)
  SELECT source, source_id, entity_type, entity_id, event_type, event_time, value, payload
  FROM input ORDER BY source COLLATE "C", source_id COLLATE "C", n
  ON CONFLICT (source, source_id) DO NOTHING
  RETURNING id, source, source_id, entity_type, entity_id, event_time
), {{marks}}
SELECT (SELECT count(*) FROM added), {CHANGED_TYPES},
  CASE WHEN (SELECT count(*) FROM added) < (SELECT count(*) FROM input) THEN ARRAY(
    SELECT n FROM (
      SELECT n, source, source_id, row_number() OVER (PARTITION BY source, source_id ORDER BY n) AS turn FROM input) i
    LEFT JOIN added USING (source, source_id) WHERE turn > 1 OR added.id IS NULL ORDER BY n) END,
  ARRAY(SELECT n FROM erased ORDER BY n)
"""  # noqa: S608 - constants of our own


def ingest(events: Sequence[NewEvent], *, refresh: bool = True, seldom: bool = False) -> Ingested:
    """Store events in the caller's transaction and ask once for the features they change.

    refresh: switch off for bulk loads that backfill afterwards. seldom: their entities hear of little else, so a mark
    of their own does no harm, and the statement stays planned. Raises InvalidEvent.
    """
    return store([as_row(event) for event in events], refresh=refresh, seldom=seldom)


@transaction.atomic(savepoint=False)
def store(rows: Sequence[dict[str, Any]], *, refresh: bool = True, seldom: bool = False) -> Ingested:
    """`ingest` for rows made by `as_row`."""
    known: list[int] = []
    with connection.cursor() as cursor:
        if copied := copy_in(cursor, rows):
            entity_types, erased = copied
            added = len(rows) - len(erased)
        else:
            _insert(cursor, _numbered(rows), seldom)
            added, entity_types, known, erased = cursor.fetchone()
    task_ids = [tasks.request_refresh(entity_type) for entity_type in entity_types] if refresh else []
    accepted = len(rows) - len(erased)
    return Ingested(accepted=accepted, added=added, task_ids=task_ids, known=known or [], erased=erased)


def _insert(cursor: Any, rows: str, seldom: bool) -> None:
    if seldom:
        statements.execute(cursor, INSERT, [rows, *pads().values()], _planned, first=WAIT)
    else:
        cursor.execute(INSERT.format(rows="%(rows)s", marks=MARKS), {"rows": rows, **pads()})


def _planned() -> str:
    return INSERT.format(rows="$1", marks=NEW_MARKS) % {name: f"${n}::bytea" for n, name in enumerate(pads(), 2)}


def _numbered(rows: Sequence[dict[str, Any]]) -> str:
    return as_json([row | {"n": n} for n, row in enumerate(rows)])


def record(*events: NewEvent) -> Ingested:
    """Events from code, in the transaction of the business change they tell of; none are kept of an erased entity."""
    return ingest(events)


def ingest_in_batches(events: Iterable[NewEvent], *, size: int = 5_000) -> Iterable[Ingested]:
    """Load any number of events in bounded memory and short transactions; resumable, since known ones count once."""
    batch: list[NewEvent] = []
    for event in events:
        batch.append(event)
        if len(batch) >= size:
            yield ingest(batch, refresh=False)
            batch = []
    if batch:
        yield ingest(batch, refresh=False)


def as_row(event: NewEvent) -> dict[str, Any]:
    """The event as the statement takes it. Raises InvalidEvent."""
    declaration, moment = event.declaration, event.event_time
    return {
        "source": event.source,
        "source_id": event.source_id,
        "entity_type": declaration.entity.name,
        "entity_id": event.entity_id,
        "event_type": event.event_type,
        "event_time": to_builtins(moment if moment.tzinfo else moment.astimezone(UTC)),
        "value": checked_value(declaration, event.data),
        "payload": event.data,
    }
