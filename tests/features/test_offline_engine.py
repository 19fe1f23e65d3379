"""DuckDB over the exported files gives what PostgreSQL gives, from the same declaration."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from features.intake.ingest import ingest
from features.offline.engine import point_in_time as by_duckdb
from features.serving.stored import point_in_time
from tests.features.offline import export
from tests.features.test_parity import PORTABLE, agree
from tests.makers import NOON, harvested, watered

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("url", ["folder", "memory://offline-engine"])
def test_exported_files_give_the_values_of_the_database(settings, tmp_path, url):
    settings.EXPORT_URL = str(tmp_path / "offline") if url == "folder" else url
    for plot in range(6):
        ingest(
            [watered(f"p{plot}", days_ago=n * plot, litres=f"{n}.{plot}5", gardener=f"g{n % 3}") for n in range(9)]
            + [harvested(f"p{plot}", days_ago=40 - plot)],
            refresh=False,
        )
    export()
    spine = [(f"p{plot}", NOON - timedelta(days=day)) for plot in range(7) for day in (0, 3, 20)]
    for feature_set in PORTABLE:
        found = by_duckdb(feature_set, spine).to_pylist()
        assert [(row["entity_id"], row["as_of"]) for row in found] == spine
        for theirs, ours in zip(found, point_in_time(feature_set, spine), strict=True):
            assert theirs["source_rows"] == ours.source_rows
            agree(theirs, ours.values(), feature_set)


def test_files_with_and_without_the_narrow_values_are_read_together(settings, tmp_path):
    settings.EXPORT_URL = str(tmp_path / "offline")
    for litres in ("1.25", "0.123456789012345678", "0.0000005"):
        ingest([watered("p", days_ago=1, litres=litres)], refresh=False)
        export()
    [row] = by_duckdb(PORTABLE[0], [("p", NOON)]).to_pylist()
    assert row["litres"] == Decimal("1.373457289012345678")


def test_nothing_exported_is_nothing_seen(settings, tmp_path):
    settings.EXPORT_URL = str(tmp_path / "offline")
    [row] = by_duckdb(PORTABLE[0], [("a", NOON)]).to_pylist()
    assert row["source_rows"] == 0
