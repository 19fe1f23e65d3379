"""Where the events of a training set come from.

Who computes what:
- features of rows of a model: PostgreSQL, a part of the spine at a time;
- a short spine: PostgreSQL too, as a few index ranges cost less than a whole log;
- all else: the columns of `engine`. They are read from the offline copy as far as it goes, and what is newer, or
  everything when there is no copy, is streamed out of PostgreSQL. An event is in one part by its id, so none is
  missing and none is there twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from django.db import connection, transaction

from features import offline
from features.models import RawEvent
from features.offline.columns import VALUE, copied
from features.offline.decimals import joined
from features.serving.stored import UnknownFeature
from features.training import grouped
from features.training.asked import wanted
from features.training.engine import Wanted, columns_needed, compute, in_order
from features.training.fields import moment_of, words
from features.training.log import Log, Spine

MOMENT = pa.timestamp("us", "UTC")
CODED = pa.dictionary(pa.int32(), pa.string())
COLUMNS = {"id": pa.int64(), "entity_id": CODED, "event_type": CODED, "event_time": MOMENT, "recorded_at": MOMENT,
           "value": pa.decimal128(38, 18), "payload": pa.string()}  # fmt: skip
SOURCE = {"value": VALUE}
NAMED, NAMED_ROWS = 1_000, 50_000  # entities of a spine that files, and PostgreSQL, are asked for by name
TIMEOUT = "SET LOCAL statement_timeout = '20min'"


def training_table(features: Sequence[str], spine: Spine, *, known_at: datetime | None = None) -> pa.Table:
    """A column for each feature, row for row with the spine, from wherever the events are.

    features: named as clients do; of events, not of rows of a model. Raises UnknownFeature.
    """
    asked = wanted(features)
    if any(feature_set.rows is not None for feature_set in asked):
        raise UnknownFeature("Features of rows of a model are computed by PostgreSQL alone.")
    until = moment_of(spine.times.max(initial=0))
    return training_from_columns(asked, read(asked, spine, until=until, known_at=known_at), spine)


def training_from_columns(asked: Wanted, events: pa.Table, spine: Spine) -> pa.Table:
    """The same from events that were read already."""
    return compute(asked, Log.of(events, spine), spine)


def read(wanted: Wanted, spine: Spine, *, until: datetime, known_at: datetime | None = None) -> pa.Table:
    """The events that the spine may see, up to `until` and, with known_at, recorded by then."""
    [entity_type] = {feature_set.entity.name for feature_set in wanted}
    columns = columns_needed(wanted, known_at=spine.known_at is not None)
    limits: dict[str, Any] = {"types": types_needed(wanted), "until": until, "known_at": known_at}
    entities = spine.entity_ids.unique()
    named = entities.to_pylist() if len(entities) <= NAMED_ROWS else None
    few = named if len(entities) <= NAMED else None
    copy, last_id = from_offline(entity_type, columns, entity_ids=few, **limits)
    if copy is None:
        return in_groups(entity_type, columns, in_order=in_order(wanted), entity_ids=named, after_id=last_id, **limits)
    if not RawEvent.objects.filter(id__gt=last_id).exists():
        return copy
    in_full = list(dict.fromkeys(["id", *columns]))
    newer = from_database(entity_type, in_full, entity_ids=named, after_id=last_id, **limits)
    newer = newer.take(pa.array(np.argsort(words(newer.column("id")))))
    return joined([copy, newer.select(copy.column_names)])


def types_needed(wanted: Wanted) -> list[str] | None:
    """The event types that count; None for all."""
    if not all(feature_set.source for feature_set in wanted):
        return None
    return sorted({kind for feature_set in wanted for kind in feature_set.source})


def from_offline(
    entity_type: str,
    columns: Sequence[str],
    *,
    types: Sequence[str] | None,
    entity_ids: Sequence[str] | None,
    until: datetime,
    known_at: datetime | None,
) -> tuple[pa.Table | None, int]:
    """What the offline copy has of these events, and up to which id it has all; (None, 0) without one.

    Without their ids, events of one instant come in the order of their ids.
    """
    try:
        offline.require()
    except offline.OfflineStoreUnavailable:
        return None, 0
    from features.offline import reader
    from features.offline.scan import read_files

    last_id = reader.exported_through().last_id
    files = _files(entity_type)
    if not files:
        return None, last_id
    extra = []
    if not _follow_each_other(files, last_id):
        extra.append("id")
    if known_at is not None and max(file["max_recorded_at"] for file in files) > known_at:
        extra.append("recorded_at")
    chosen = list(dict.fromkeys([*columns, *extra]))
    # Comparing every event costs more than it saves, unless whole files are left out.
    earlier = until if any(file["min_event_time"] > until for file in files) else None
    found = None
    with suppress(FileNotFoundError):
        if entity_ids is None:
            paths = [file["path"] for file in files if earlier is None or file["min_event_time"] <= earlier]
            found = read_files(paths, chosen)
        else:
            found = reader.events(entity_type, columns=chosen, types=types, entity_ids=entity_ids, until=earlier)
    if found is None or _files(entity_type) != files:  # an export, a merge or an erasure came between
        chosen = list(dict.fromkeys([*columns, "id", "recorded_at"]))
        found = reader.events(entity_type, columns=chosen, types=types, entity_ids=entity_ids, until=until)
    if types is not None:
        found = found.filter(pc.is_in(found.column("event_type"), pa.array(types, pa.string())))
    if "id" in chosen:
        found = found.filter(pc.less_equal(found.column("id"), last_id))
    if "recorded_at" in chosen and known_at is not None:
        found = found.filter(pc.less_equal(found.column("recorded_at"), pa.scalar(known_at, MOMENT)))
    return found.select([name for name in chosen if name in columns or name == "id"]), last_id


def _files(entity_type: str) -> list[dict[str, Any]]:
    from features.offline.manifest import live_files

    facts = ("path", "month", "first_id", "last_id", "min_event_time", "max_recorded_at")
    return list(live_files().filter(entity_type=entity_type).values(*facts))


def _follow_each_other(files: Sequence[dict[str, Any]], last_id: int) -> bool:
    """Whether, read one after the other, files of one month have ascending ids, and none goes past `last_id`."""
    ordered = all(a["month"] != b["month"] or a["last_id"] < b["first_id"] for a, b in pairwise(files))
    return ordered and max(file["last_id"] for file in files) <= last_id


def in_groups(entity_type: str, columns: Sequence[str], *, in_order: bool, **limits: Any) -> pa.Table:
    """Events in one snapshot, the fast way where they fit it. in_order: with ids, which order those of one instant."""
    asked = list(dict.fromkeys([*columns, *(["id"] if in_order else [])]))
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(TIMEOUT)
            return grouped.events(entity_type, asked, _condition(cursor, entity_type, **limits))
    except grouped.Unfit:
        return from_database(entity_type, list(dict.fromkeys(["id", *columns])), **limits)


def from_database(entity_type: str, columns: Sequence[str], **limits: Any) -> pa.Table:
    """Events in one snapshot, streamed by COPY and parsed while they come. limits: those of `_condition`."""
    chosen = ", ".join(SOURCE.get(name, name) for name in columns)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(TIMEOUT)
        where = _condition(cursor, entity_type, **limits)
        query = f"COPY (SELECT {chosen} FROM raw_events WHERE {where}) TO STDOUT (FORMAT csv)"  # noqa: S608 - names of columns
        return copied(query, pa.schema([(name, COLUMNS[name]) for name in columns]))


def _condition(
    cursor: Any,
    entity_type: str,
    *,
    types: Sequence[str] | None = None,
    entity_ids: Sequence[str] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    known_at: datetime | None = None,
    after_id: int = 0,
) -> str:
    """SQL that keeps these events alone, with its parameters filled in by the driver."""
    conditions = {
        "entity_type = %(entity_type)s": True,
        "id > %(after_id)s": after_id,
        "event_type = ANY(%(types)s)": types is not None,
        "entity_id = ANY(%(entity_ids)s)": entity_ids is not None,
        "event_time >= %(since)s": since,
        "event_time <= %(until)s": until,
        "recorded_at <= %(known_at)s": known_at,
    }
    where = " AND ".join(condition for condition, asked in conditions.items() if asked)
    asked = {"entity_type": entity_type, "types": types, "entity_ids": entity_ids, "since": since,
             "until": until, "known_at": known_at, "after_id": after_id}  # fmt: skip
    return cursor.cursor.mogrify(where, asked).decode()
