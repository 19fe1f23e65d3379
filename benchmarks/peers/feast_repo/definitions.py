"""The entity and its views: what is true now, one row each, and what was true after each event."""

import os
from datetime import timedelta

from feast import Entity, FeatureView, Field, FileSource, ValueType
from feast.types import Float64, Int64

COUNTS = ("events", "kinds", "events_30d")
AMOUNTS = (
    "amount_sum",
    "amount_mean",
    "amount_stddev",
    "amount_min",
    "amount_max",
    "days_since_last",
    "amount_sum_90d",
)
NAMES = (*COUNTS, *AMOUNTS)

holder = Entity(name="holder", join_keys=["entity_id"], value_type=ValueType.STRING)


def view(name: str) -> FeatureView:
    """Over the Parquet file of the same name."""
    path = os.path.join(os.environ["BENCH_FOLDER"], f"{name}.parquet")
    return FeatureView(
        name=name,
        entities=[holder],
        ttl=timedelta(days=3650),
        schema=[Field(name=n, dtype=Int64) for n in COUNTS] + [Field(name=n, dtype=Float64) for n in AMOUNTS],
        source=FileSource(name=f"{name}_file", path=path, timestamp_field="event_timestamp"),
        online=name == "latest",
    )


latest = view("latest")
history = view("history")
