"""Point-in-time exact features of a spine: from PostgreSQL beside the best SQL, from Parquet beside DuckDB."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import Any

import pyarrow
import pyarrow.parquet
from django.conf import settings
from django.db import connection

from benchmarks import data, parquet, statements
from benchmarks.measure import Figure, Scale, alternate, at_least, medians, timed
from benchmarks.workload.features import Activity
from features.offline.compaction import compact
from features.offline.export import export_events
from features.serving.stored import point_in_time
from features.training.log import Spine
from features.training.reading import training_table

EACH = "rows/s"


def measure(scale: Scale) -> list[Figure]:
    data.movements(scale.of(20_000, 2_000))
    spine = parquet.spine(rows := scale.of(20_000, 2_000))
    parquet.write_spine(spine)
    parquet.write_events()
    sides = {"PostgreSQL": lambda: point_in_time(Activity, spine), "DuckDB": in_duckdb}
    sides |= {name: by_sql(sql, spine) for name, sql in statements.TRAINING.items()}
    settings.EXPORT_URL = str(parquet.folder() / "offline")
    for _ in chain(export_events(), compact()):
        pass
    sides |= {"offline": by_columns(settings.EXPORT_URL), "columns": by_columns("")}
    found = speeds(sides, rows, rounds=scale.of(5, 2))
    best = max(statements.TRAINING, key=lambda name: found[name])
    shapes = ", ".join(f"{name} {found[name]:,.0f}" for name in statements.TRAINING)
    what = f"of {rows:,} rows"
    return [
        Figure(f"training {what} from PostgreSQL", found["columns"], EACH, found[best], f"SQL, {best}",
               (at_least(1, of_floor=True),), shapes),
        Figure(f"a few rows from PostgreSQL, measured with {rows:,}", found["PostgreSQL"], EACH, found[best],
               f"SQL, {best}"),
        Figure(f"training {what} from Parquet", found["offline"], EACH, found["DuckDB"], "DuckDB",
               (at_least(150_000),)),
    ]  # fmt: skip


def by_columns(url: str) -> Callable[[], pyarrow.Table]:
    """Training by columns of events from the offline copy at `url`, or out of PostgreSQL where that is empty."""

    def train() -> pyarrow.Table:
        settings.EXPORT_URL = url
        asked = pyarrow.parquet.read_table(parquet.folder() / "spine.parquet")
        return training_table([Activity.label()], Spine.from_table(asked))

    return train


def speeds(sides: dict[str, Callable[[], Any]], rows: int, *, rounds: int) -> dict[str, float]:
    """Median rows a second; the first of each is not counted."""
    for side in sides.values():
        side()
    once = {name: lambda side=side: rows * 1000 / timed(side, times=1)[0] for name, side in sides.items()}
    return medians(alternate(once, rounds=rounds))


def by_sql(sql: str, spine: parquet.Spine) -> Callable[[], list[Any]]:
    parameters = {
        "entity_ids": [entity_id for entity_id, _ in spine],
        "times": [as_of for _, as_of in spine],
        "kinds": statements.KINDS,
    }

    def fetch() -> list[Any]:
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 0")
            cursor.execute(sql, parameters)
            return cursor.fetchall()

    return fetch


def in_duckdb() -> pyarrow.Table:
    files = parquet.folder()
    with parquet.database() as duck:
        duck.execute(
            "CREATE TEMP TABLE spine AS SELECT row_number() OVER () AS n, entity_id, event_timestamp AS as_of "
            f"FROM read_parquet('{files / 'spine.parquet'}')"
        )
        return duck.sql(statements.DUCKDB.format(path=files / "events.parquet")).to_arrow_table()
