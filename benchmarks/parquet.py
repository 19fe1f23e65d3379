"""The same data as files, for those who read Parquet: the event log, and features computed beforehand."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow
import pyarrow.parquet
from django.conf import settings
from django.db import connection
from django.utils import timezone

from benchmarks.workload.events import holder
from benchmarks.workload.features import Activity
from features.catalogue import set_id

Spine = list[tuple[str, datetime]]
EVENTS = """
COPY (SELECT id, entity_id, event_type, event_time, recorded_at, value FROM raw_events
      WHERE entity_type = '{entity_type}' ORDER BY event_time, id) TO STDOUT (FORMAT csv, HEADER)
"""
LATEST = """
COPY (SELECT entity_id, as_of AS event_timestamp, {columns} FROM model_features WHERE feature_set_id = {set_id})
TO STDOUT (FORMAT csv, HEADER)
"""
# What was true after each event. A peer that joins the last of these is behind the true windows by the time since.
HISTORY = """
SELECT entity_id, event_time AS event_timestamp, count(*) OVER past AS events,
  sum(value) OVER past AS amount_sum, avg(value) OVER past AS amount_mean,
  stddev_samp(value) OVER past AS amount_stddev, min(value) OVER past AS amount_min, max(value) OVER past AS amount_max,
  0::DOUBLE AS days_since_last,
  sum(is_first) OVER past AS kinds, count(*) OVER month AS events_30d, sum(value) OVER quarter AS amount_sum_90d
FROM (SELECT *, (row_number() OVER (PARTITION BY entity_id, event_type ORDER BY event_time, id) = 1)::BIGINT AS is_first
      FROM read_parquet('{events}'))
WINDOW past AS (PARTITION BY entity_id ORDER BY event_time RANGE UNBOUNDED PRECEDING),
  month AS (PARTITION BY entity_id ORDER BY event_time RANGE INTERVAL 30 DAY PRECEDING),
  quarter AS (PARTITION BY entity_id ORDER BY event_time RANGE INTERVAL 90 DAY PRECEDING)
"""


def folder() -> Path:
    found = Path(settings.DATA_DIR) / "feature_files"
    found.mkdir(parents=True, exist_ok=True)
    return found


def spine(rows: int) -> Spine:
    """Entities and times of the last 200 days, at random."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT entity_id FROM features_knownentity WHERE entity_type = %s ORDER BY 1", [holder.name])
        ids = [row[0] for row in cursor.fetchall()]
    chosen, now = random.Random(1999), timezone.now()
    return [(chosen.choice(ids), now - timedelta(seconds=chosen.randrange(200 * 86_400))) for _ in range(rows)]


def write_spine(rows: Spine) -> None:
    table = {
        "entity_id": [entity_id for entity_id, _ in rows],
        "event_timestamp": pyarrow.array([as_of for _, as_of in rows], pyarrow.timestamp("us", tz="UTC")),
    }
    pyarrow.parquet.write_table(pyarrow.table(table), folder() / "spine.parquet")


def write_events() -> Path:
    """The event log as it would be exported: in the order of time, values as float."""
    return _write("events", EVENTS.format(entity_type=holder.name), "* REPLACE (value::DOUBLE AS value)")


def write_latest() -> Path:
    """The stored values, a row for each entity."""
    kinds = {"integer": "bigint", "decimal": "float8", "float": "float8"}
    columns = ", ".join(f"(vals->>'{n}')::{kinds[f.data_type]} AS {n}" for n, f in Activity.features.items())
    return _write("latest", LATEST.format(columns=columns, set_id=set_id(Activity)), "*")


def write_history(events: Path) -> Path:
    """Values after each event, a row for each."""
    path = folder() / "history.parquet"
    counts = "amount_sum::DOUBLE AS amount_sum, kinds::BIGINT AS kinds, amount_sum_90d::DOUBLE AS amount_sum_90d"
    with database() as duck:
        duck.execute(
            f"COPY (SELECT * REPLACE ({counts}) FROM ({HISTORY.format(events=events)})) TO '{path}' (FORMAT parquet)"
        )
    return path


@contextmanager
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as found:
        found.execute("SET TimeZone = 'UTC'")
        yield found


def _write(name: str, copy: str, columns: str) -> Path:
    path, text = folder() / f"{name}.parquet", folder() / f"{name}.csv"
    with connection.cursor() as cursor, text.open("wb") as file:
        cursor.execute("SET statement_timeout = 0")
        cursor.copy_expert(copy, file)
    with database() as duck:
        duck.execute(f"COPY (SELECT {columns} FROM read_csv('{text}')) TO '{path}' (FORMAT parquet)")
    text.unlink()
    return path
