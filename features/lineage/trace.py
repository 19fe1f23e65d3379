"""Where a stored value comes from: value ← definition ← source rows ← task (docs/time.md says what "seen" means)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from features.catalogue import set_id
from features.definitions import FeatureSet
from features.engine.compiler import ISO, events_query
from features.engine.compute import CannotCompute, computation
from features.serving.stored import Served
from tasks.models import Task

ROWS_SHOWN = 100


class NothingStored(LookupError):
    """No value of this entity is stored that fits the question."""


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A row that a value saw, or came too late for it. payload: JSON text. Rows of models have no source id here."""

    id: str
    source: str
    source_id: str
    event_type: str
    event_time: datetime
    recorded_at: datetime | None
    value: Any
    payload: str


@dataclass(frozen=True, slots=True)
class Seen:
    """The rows with event time up to as-of that were recorded up to the computation.

    sha256: over the SHA-256 of each row's JSON array [id, source, source id, event time, value, payload], by id.
    exact: there are as many as the computation counted.
    """

    count: int
    first_id: str | None
    last_id: str | None
    first_event_time: datetime | None
    last_event_time: datetime | None
    sha256: str
    exact: bool
    rows: list[SourceRow]
    next_offset: int | None


@dataclass(frozen=True, slots=True)
class Late:
    """Rows with event time up to as-of that were recorded after the computation; the first of them."""

    count: int
    rows: list[SourceRow]


@dataclass(frozen=True, slots=True)
class Reproduction:
    """Whether computing from the rows seen gives the stored values. None: it cannot be computed, and `error` says why.

    differs: JSON text, by feature {"stored": …, "recomputed": …}.
    """

    reproduces: bool | None
    differs: str = "{}"
    error: str = ""


@dataclass(frozen=True, slots=True)
class Lineage:
    """corrected: the newer and right values of the same as-of time, where late rows changed them."""

    feature_set: type[FeatureSet]
    stored: Served
    seen: Seen
    late: Late
    reproduction: Reproduction
    corrected: Served | None
    task: Task | None


STORED = """
SELECT entity_id, as_of, computed_at, source_rows, vals::text, task_id::text FROM model_features_history
WHERE feature_set_id = %(set_id)s AND entity_id = %(entity_id)s
  AND (%(as_of)s::timestamptz IS NULL OR as_of <= %(as_of)s)
  AND (%(known_at)s::timestamptz IS NULL OR computed_at <= %(known_at)s)
ORDER BY as_of DESC, computed_at DESC, id DESC LIMIT 1
"""
SEEN = "WITH seen(place, id, event_type, event_time, value, payload) AS MATERIALIZED ({query})"
EVER = "{seen}, ever(place, id, event_type, event_time, value, payload) AS MATERIALIZED ({query})"
TOLD = {
    True: """(SELECT s.id, e.source, e.source_id, s.event_type, s.event_time, e.recorded_at, s.value, s.payload
      FROM {rows} s JOIN raw_events e ON e.id = s.id)""",
    False: """(SELECT id, '' AS source, '' AS source_id, event_type, event_time, NULL::timestamptz AS recorded_at,
      value, payload FROM {rows})""",
}
COLUMNS = "r.id::text, r.source, r.source_id, r.event_type, r.event_time, r.recorded_at, r.value, r.payload"
SUMMARY = f"""
{{seen}}
SELECT count(*), (SELECT id::text FROM seen ORDER BY id LIMIT 1), (SELECT id::text FROM seen ORDER BY id DESC LIMIT 1),
  min(r.event_time), max(r.event_time),
  encode(sha256(coalesce(string_agg(sha256(convert_to(json_build_array(
    r.id, r.source, r.source_id, to_char(r.event_time AT TIME ZONE 'UTC', '{ISO}'), r.value::text, r.payload
  )::text, 'UTF8')), ''::bytea ORDER BY r.id), ''::bytea)), 'hex')
FROM {{told}} r
"""
PAGE = f"{{seen}} SELECT {COLUMNS} FROM {{told}} r ORDER BY r.event_time, r.id LIMIT %(limit)s OFFSET %(offset)s"
LATE = f"""
{{seen}}
SELECT count(*) OVER (), {COLUMNS} FROM {{told}} r WHERE NOT EXISTS (SELECT 1 FROM seen WHERE seen.id = r.id)
ORDER BY r.event_time, r.id LIMIT %(limit)s
"""
COMPARE = """
SELECT (SELECT jsonb_object_agg(key, jsonb_build_object('stored', was.value, 'recomputed', anew.value))::text
        FROM jsonb_each(%(stored)s::jsonb) was FULL JOIN jsonb_each(q.vals) anew USING (key)
        WHERE was.value IS DISTINCT FROM anew.value)
FROM ({query}) q
"""


def lineage(
    feature_set: type[FeatureSet],
    entity_id: str,
    *,
    as_of: datetime | None = None,
    known_at: datetime | None = None,
    offset: int = 0,
) -> Lineage:
    """Where the newest value up to `as_of` comes from, or the newest of those that had been computed by `known_at`.

    offset: how many of the rows seen to pass over; at most ROWS_SHOWN are listed. Raises NothingStored.
    """
    asked = {"set_id": set_id(feature_set), "entity_id": entity_id}
    stored = _stored(asked | {"as_of": as_of, "known_at": known_at})
    if stored is None:
        raise NothingStored("No value of this entity was stored by then.")
    newest = _stored(asked | {"as_of": stored.as_of, "known_at": None})
    return Lineage(
        feature_set=feature_set,
        stored=stored,
        seen=_seen(feature_set, stored, offset),
        late=_late(feature_set, stored),
        reproduction=_reproduction(feature_set, stored),
        corrected=newest if newest and newest.vals != stored.vals else None,
        task=Task.objects.prefetch_related("attempts").filter(pk=stored.task_id).first() if stored.task_id else None,
    )


def _stored(asked: dict[str, Any]) -> Served | None:
    found = _rows(STORED, asked)
    return Served(*found[0]) if found else None


def _seen(feature_set: type[FeatureSet], stored: Served, offset: int) -> Seen:
    query, parameters = _source(feature_set, stored)
    parts = {"seen": SEEN.format(query=query), "told": _told(feature_set, "seen")}
    [(count, first, last, begin, end, digest)] = _rows(SUMMARY.format(**parts), parameters)
    page = {"limit": ROWS_SHOWN, "offset": offset}
    rows = [SourceRow(*row) for row in _rows(PAGE.format(**parts), parameters | page)]
    after = offset + len(rows)
    exact, following = count == stored.source_rows, after if after < count else None
    return Seen(count, first, last, begin, end, digest, exact, rows, following)


def _late(feature_set: type[FeatureSet], stored: Served) -> Late:
    query, parameters = _source(feature_set, stored)
    seen = SEEN.format(query=query)
    both = EVER.format(seen=seen, query=query.replace("%(known_at)s", "NULL"))
    rows = _rows(LATE.format(seen=both, told=_told(feature_set, "ever")), parameters | {"limit": ROWS_SHOWN})
    return Late(rows[0][0] if rows else 0, [SourceRow(*row) for _, *row in rows])


def _reproduction(feature_set: type[FeatureSet], stored: Served) -> Reproduction:
    try:
        query, parameters = computation([feature_set], [stored.entity_id], [stored.as_of], known_at=stored.computed_at)
    except CannotCompute as error:
        return Reproduction(None, error=str(error))
    [(differs,)] = _rows(COMPARE.format(query=query), parameters | {"stored": stored.vals})
    return Reproduction(differs is None, differs or "{}")


def _source(feature_set: type[FeatureSet], stored: Served) -> tuple[str, dict[str, Any]]:
    query, parameters = events_query(feature_set)
    spine = {"entity_ids": [stored.entity_id], "times": [stored.as_of], "known_at": stored.computed_at}
    return query, parameters | spine


def _told(feature_set: type[FeatureSet], rows: str) -> str:
    return TOLD[feature_set.rows is None].format(rows=rows)


def _rows(statement: str, parameters: dict[str, Any]) -> Sequence[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()
