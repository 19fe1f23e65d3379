"""Declared features computed over the exported files by an engine that reads columns: DuckDB, in this process.

It computes what PostgreSQL would, up to the last exported event. Another engine that ibis knows takes the same two
lines: its own tables of events and spine, and `features.engine.portable.compute_expression`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import ibis
import pyarrow as pa

from features.definitions import FeatureSet
from features.engine.portable import compute_expression
from features.offline.columns import SCHEMA
from features.offline.manifest import live_files
from features.offline.storage import storage

TIME = pa.timestamp("us", "UTC")
SPINE = pa.schema({"place": pa.int64(), "entity_id": pa.string(), "as_of": TIME})


def point_in_time(
    feature_set: type[FeatureSet], spine: Sequence[tuple[str, datetime]], *, known_at: datetime | None = None
) -> pa.Table:
    """Values of each (entity, as-of) row, in the order of the spine: entity_id, as_of, source_rows, the features.

    known_at: leave out events recorded later. Features that are Python functions are left out.
    """
    engine = ibis.duckdb.connect()
    place, files = storage(), live_files().filter(entity_type=feature_set.entity.name)
    if not place.local:
        engine.con.register_filesystem(place.fs)
    paths = [place.full(path) if place.local else place.fs.unstrip_protocol(place.full(path))
             for path in files.values_list("path", flat=True)]  # fmt: skip
    events = engine.read_parquet(paths) if paths else _table(engine, "events", SCHEMA.empty_table())
    entity_ids, times = [entity_id for entity_id, _ in spine], [as_of for _, as_of in spine]
    rows = pa.table([pa.array(range(len(spine)), pa.int64()), pa.array(entity_ids), pa.array(times, TIME)], SPINE)
    moment = None if known_at is None else ibis.literal(known_at, "timestamp('UTC', 6)")
    asked = compute_expression(feature_set, events, _table(engine, "spine", rows), known_at=moment)
    return engine.to_pyarrow(asked.order_by("place")).drop_columns(["place"])


def _table(engine: ibis.BaseBackend, name: str, rows: pa.Table) -> ibis.Table:
    engine.con.register(name, rows)
    return engine.table(name)
