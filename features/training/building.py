"""Build a dataset: spine, features, file, manifest. The same request over the same events gives the same bytes."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from django.db import connection

import features
from features.definitions import FeatureSet
from features.engine.compute import CannotCompute
from features.serving.stored import UnknownFeature
from features.training import engine, reading
from features.training.fields import UnusableField, moment, moment_of, payload_texts, words
from features.training.files import hashed, writing
from features.training.log import Log, Spine
from features.training.points import look
from features.training.request import AT_EVENT_TIME, features_of, sha256
from features.training.request import time as time_of
from features.training.results import TYPES, UnusableValue, from_python
from tasks.errors import PermanentError, TemporaryError

Progress = Callable[[float, str], None]
CHUNK = 50_000  # rows computed and written at once; part of what makes the bytes
FEW = 1_000  # rows that PostgreSQL answers sooner than a whole log is read
PATIENCE_S, POLL_S = 60, 0.05
MOMENT = pa.timestamp("us", "UTC")
RUNNING = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
  AND xact_start <= %s AND backend_type = 'client backend'
"""


class CannotBuild(PermanentError):
    """The features of this spine cannot be computed or kept exactly; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Built:
    rows: int
    columns: int
    bytes: int
    sha256: str
    manifest: dict[str, Any]


def build(request: dict[str, Any], path: Path, progress: Progress = lambda percent, message: None) -> Built:
    """Write the file of a canonical request to `path`. Raises CannotBuild, and TemporaryError while events come in."""
    try:
        wanted = features_of(request)
        wait_for(time_of(request["recorded_by"]))
        progress(1, "finding rows")
        facts, spine = _spine(request, wanted)
        schema = pa.schema(
            [
                *facts.schema,
                *(pa.field(f"{s.label()}:{n}", TYPES[s.features[n].data_type]) for s, ns in wanted.items() for n in ns),
            ]
        )
        nulls = dict.fromkeys(schema.names, 0)
        with writing(path, request["format"], schema) as write:
            for start, computed in _chunks(request, wanted, spine, progress):
                table = pa.table([*facts.slice(start, len(computed)).columns, *computed.columns], schema=schema)
                for name in schema.names:
                    nulls[name] += table.column(name).null_count
                write(table)
                progress(20 + 79 * (start + len(table)) / len(spine), f"{start + len(table):,} of {len(spine):,} rows")
    except (UnknownFeature, CannotCompute, UnusableField, UnusableValue) as error:
        raise CannotBuild(str(error)) from error
    digest, size = hashed(path)
    manifest = _manifest(request, wanted, facts, schema, nulls) | {
        "file": {"format": request["format"], "bytes": size, "sha256": digest}
    }
    return Built(len(facts), len(schema), size, digest, manifest)


def wait_for(moment: datetime) -> None:
    """Return once every event recorded up to a moment can be seen.

    Events are dated with the start of their transaction, so one that began before may still be on its way.
    """
    give_up = time.monotonic() + PATIENCE_S
    with connection.cursor() as cursor:
        while True:
            cursor.execute(RUNNING, [moment])
            if not cursor.fetchone()[0]:
                return
            if time.monotonic() > give_up:
                raise TemporaryError(f"transactions from before {moment:%H:%M:%S} have not ended in {PATIENCE_S} s")
            time.sleep(POLL_S)


def _spine(request: dict[str, Any], wanted: engine.Wanted) -> tuple[pa.Table, Spine]:
    """The first columns of the file, and where and when features are looked at."""
    if "rows" in request["spine"]:
        rows = [(entity_id, time_of(written)) for entity_id, written in request["spine"]["rows"]]
        spine = Spine.of(rows)
        facts = {"entity_id": spine.entity_ids, "event_timestamp": pa.array(spine.times, MOMENT)}
    else:
        facts, spine = _labelled(request, next(iter(wanted)).entity.name)
    recorded_by = moment(time_of(request["recorded_by"]))
    known = np.minimum(spine.times, recorded_by) if request["known_at"] == AT_EVENT_TIME else recorded_by
    return pa.table(facts), Spine(spine.entity_ids, spine.times, known)


def _labelled(request: dict[str, Any], entity_type: str) -> tuple[dict[str, Any], Spine]:
    """All events of a type, by time. Features are as of the microsecond before, so that no label sees itself.

    Nor anything else of its own instant: what happened together with the label may have come of it.
    """
    label = request["spine"]["label"]
    column = "value" if label["field"] == "value" else "payload"
    events = reading.from_database(
        entity_type,
        ["id", "entity_id", "event_time", column],
        types=[label["event_type"]],
        since=label["since"] and time_of(label["since"]),
        until=label["until"] and time_of(label["until"]),
        known_at=time_of(request["recorded_by"]),
    )
    order = np.lexsort((words(events.column("id")), words(events.column("event_time"))))
    events = events.take(pa.array(order))
    ids, times = events.column("entity_id").cast(pa.string()).combine_chunks(), words(events.column("event_time"))
    ids = pa.array(ids.to_pylist(), pa.string())
    values = events.column(column)
    if column == "payload":
        values = pa.array(payload_texts(values.to_pylist(), label["field"]), pa.string())
    facts = {"entity_id": ids, "event_timestamp": pa.array(times, MOMENT), "label": values}
    return facts, Spine(ids, times - 1)


def _chunks(
    request: dict[str, Any], wanted: engine.Wanted, spine: Spine, progress: Progress
) -> Iterator[tuple[int, pa.Table]]:
    """The features, some rows at a time: (first row, columns)."""
    if not len(spine):
        return
    per_row = isinstance(spine.known_at, np.ndarray)
    by_columns = {s: n for s, n in wanted.items() if s.rows is None and (per_row or len(spine) > FEW)}
    log = None
    if by_columns:
        progress(2, "reading events")
        table = reading.read(
            by_columns, spine, until=moment_of(spine.times.max()), known_at=time_of(request["recorded_by"])
        )
        progress(15, f"ordering {len(table):,} events")
        log = Log.of(table, Spine(spine.entity_ids, spine.times))
    for start in range(0, len(spine), CHUNK):
        part = spine.part(start, CHUNK)
        found: dict[str, Any] = {}
        if log is not None:
            known = part.known_at if per_row else None  # what was recorded too late was not even read
            computed = engine.compute(by_columns, log, Spine(part.entity_ids, part.times, known))
            found.update(zip(computed.column_names, computed.columns, strict=True))
        for feature_set, names in wanted.items():
            if feature_set not in by_columns:
                found.update(_by_postgres(feature_set, names, part))
        yield start, pa.table({f"{s.label()}:{n}": found[f"{s.label()}:{n}"] for s, ns in wanted.items() for n in ns})


def _by_postgres(feature_set: type[FeatureSet], names: Sequence[str], spine: Spine) -> dict[str, pa.Array]:
    points = [(i, moment_of(t)) for i, t in zip(spine.entity_ids.to_pylist(), spine.times.tolist(), strict=True)]
    if isinstance(spine.known_at, np.ndarray):  # a statement has one known_at
        looks = [look(feature_set, [p], known_at=moment_of(k))[p] for p, k in zip(points, spine.known_at, strict=True)]
    else:
        found = look(feature_set, points, known_at=moment_of(spine.known_at or 0))
        looks = [found[point] for point in points]
    values = []
    for (entity_id, _), one in zip(points, looks, strict=True):
        if one.served is None:
            raise CannotBuild(f"{feature_set.label()} of {entity_id}: {one.error}")
        values.append(one.served.values())
    return {
        f"{feature_set.label()}:{name}": from_python(
            feature_set.features[name].data_type, [row[name] for row in values]
        ).column(name)
        for name in names
    }


def _manifest(
    request: dict[str, Any], wanted: engine.Wanted, facts: pa.Table, schema: pa.Schema, nulls: dict[str, int]
) -> dict[str, Any]:
    spine = hashlib.sha256()
    for row in zip(facts.column("entity_id").to_pylist(), words(facts.column("event_timestamp")).tolist(), strict=True):
        spine.update(f"{row[0]}\x00{row[1]}\n".encode())
    inline = "rows" in request["spine"]
    return {
        "manifest_version": 1,
        "request_sha256": sha256(request),
        "known_at": request["known_at"],
        "recorded_by": request["recorded_by"],
        "as_of": "event_timestamp" if inline else "the microsecond before event_timestamp",
        "spine": {
            "rows": len(facts),
            "sha256": spine.hexdigest(),
            "from": "entity_rows" if inline else request["spine"]["label"],
        },
        "feature_sets": [{"name": s.name, "version": s.version, "checksum": s.checksum()} for s in wanted],
        "rows": len(facts),
        "columns": [{"name": field.name, "type": str(field.type), "nulls": nulls[field.name]} for field in schema],
        "code_version": code_version(),
    }


@cache
def code_version() -> str:
    """SHA-256 of the feature store's own source, shortened, and the versions of what computes and writes."""
    digest = hashlib.sha256()
    root = Path(features.__path__[0])
    for file in sorted(root.rglob("*.py")):
        if "migrations" not in file.parts:
            digest.update(f"{file.relative_to(root)}\x00".encode() + file.read_bytes())
    return f"{digest.hexdigest()[:16]} numpy {np.__version__} pyarrow {pa.__version__}"
