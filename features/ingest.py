"""Take raw events in: each once, with its backlog mark, its entity, and the task that will count it, or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction

from features import tasks
from features.definitions import Event, InvalidEvent, event_types


@dataclass(frozen=True, kw_only=True)
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
            raise InvalidEvent("type", f"no event is called {self.event_type[:80]!r}") from None

    @cached_property
    def value(self) -> Decimal | None:
        """The typed number or None, once the data is held against the declaration. Raises InvalidEvent."""
        return self.declaration.check(self.data)


@dataclass(frozen=True, slots=True)
class Ingested:
    """accepted: events handed in; added: those not known before; task_ids: what will bring features up to date."""

    accepted: int
    added: int
    task_ids: list[str]


INSERT = """
WITH input AS (
  SELECT * FROM jsonb_to_recordset(%s::jsonb) AS x(
    source text, source_id text, entity_type text, entity_id text, event_type text, event_time timestamptz,
    value numeric, payload jsonb)
), added AS (
  INSERT INTO raw_events (source, source_id, entity_type, entity_id, event_type, event_time, value, payload)
  SELECT source, source_id, entity_type, entity_id, event_type, event_time, value, payload
  FROM input ORDER BY source, source_id, event_time
  ON CONFLICT (source, source_id) DO NOTHING
  RETURNING id, entity_type, entity_id, event_time
), entities AS (
  INSERT INTO features_knownentity (entity_type, entity_id)
  SELECT DISTINCT entity_type, entity_id FROM added ORDER BY 1, 2
  ON CONFLICT DO NOTHING
), marked AS (
  INSERT INTO features_unprocessedevent (event_id, entity_type, entity_id, event_time, error, tries)
  SELECT id, entity_type, entity_id, event_time, '', 0 FROM added
)
SELECT entity_type, count(*) FROM added GROUP BY 1
"""


@transaction.atomic
def ingest(events: Sequence[NewEvent], *, refresh: bool = True) -> Ingested:
    """Store events in the caller's transaction and ask once for the features they change.

    refresh: switch off for bulk loads that backfill afterwards. Raises InvalidEvent.
    """
    rows = [_row(event) for event in events]
    with connection.cursor() as cursor:
        cursor.execute(INSERT, [json.dumps(rows, cls=DjangoJSONEncoder)])
        added = dict(cursor.fetchall())
    task_ids = [tasks.request_refresh(entity_type) for entity_type in sorted(added)] if refresh else []
    return Ingested(accepted=len(rows), added=sum(added.values()), task_ids=task_ids)


def record(*events: NewEvent) -> Ingested:
    """Events from code, in the transaction of the business change they tell of."""
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


def _row(event: NewEvent) -> dict[str, Any]:
    return {
        "source": event.source,
        "source_id": event.source_id,
        "entity_type": event.declaration.entity.name,
        "entity_id": event.entity_id,
        "event_type": event.event_type,
        "event_time": event.event_time.astimezone(UTC).isoformat(),
        "value": None if event.value is None else format(event.value, "f"),
        "payload": event.data,
    }
