"""Feast's own SDK, called as its documentation does: `python -m benchmarks.peers.feast_calls redis|sqlite|postgres`."""

import os
import random
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet
from feast import FeatureStore

from benchmarks.peers import calls
from benchmarks.peers.feast_repo import definitions

FOLDER = Path(os.environ["BENCH_FOLDER"])
store = FeatureStore(fs_yaml_file=Path(__file__).parent / "feast_repo" / f"{sys.argv[1]}.yaml")
chosen = random.Random(1999)
ids = pyarrow.parquet.read_table(FOLDER / "latest.parquet", columns=["entity_id"])["entity_id"].to_pylist()
spine = pyarrow.parquet.read_table(FOLDER / "spine.parquet").to_pandas()


def names(view: str) -> list[str]:
    return [f"{view}:{name}" for name in definitions.NAMES]


def empty() -> None:
    """An empty online store, with its tables."""
    views = [definitions.holder, definitions.latest, definitions.history]
    store.apply(views)
    store.teardown()
    store.apply(views)


def materialize() -> None:
    now = datetime.now(UTC)
    store.materialize(now - timedelta(days=3650), now, feature_views=["latest"])


def online(entities: int) -> None:
    rows = [{"entity_id": entity_id} for entity_id in chosen.sample(ids, entities)]
    found = store.get_online_features(names("latest"), rows).to_dict()
    if None in found["events"]:
        raise RuntimeError("an entity has no features")


def history() -> None:
    found = store.get_historical_features(spine, names("history")).to_arrow()
    if len(found) != len(spine):
        raise RuntimeError(f"{len(found)} rows of {len(spine)}")


if __name__ == "__main__":
    calls.serve({"materialize": materialize, "prepare materialize": empty, "online": online, "history": history})
