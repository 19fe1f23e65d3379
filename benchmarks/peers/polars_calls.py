"""Exact features of a spine from the event log in Parquet, as people write them with polars."""

import os
from pathlib import Path

import polars as pl

from benchmarks.peers import calls

FOLDER = Path(os.environ["BENCH_FOLDER"])


def training() -> None:
    """Join every event up to the row's time, then group."""
    spine = pl.scan_parquet(FOLDER / "spine.parquet").with_row_index("n")
    events = pl.scan_parquet(FOLDER / "events.parquet").select("entity_id", "event_time", "event_type", "value")
    value, at, as_of = pl.col("value"), pl.col("event_time"), pl.col("event_timestamp")
    found = (
        spine.join(events, on="entity_id")
        .filter(at <= as_of)
        .group_by("n")
        .agg(
            pl.len().alias("events"),
            value.sum().alias("amount_sum"),
            value.mean().alias("amount_mean"),
            value.std().alias("amount_stddev"),
            value.min().alias("amount_min"),
            value.max().alias("amount_max"),
            (as_of.first() - at.max()).dt.total_microseconds().alias("microseconds_since_last"),
            pl.col("event_type").n_unique().alias("kinds"),
            (at > as_of - pl.duration(days=30)).sum().alias("events_30d"),
            value.filter(at > as_of - pl.duration(days=90)).sum().alias("amount_sum_90d"),
        )
    )
    zero = pl.col("events", "amount_sum", "kinds", "events_30d", "amount_sum_90d").fill_null(0)
    spine.join(found, on="n", how="left").with_columns(zero).collect()


if __name__ == "__main__":
    calls.serve({"training": training})
