"""What is in the files, and reading it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from features import offline
from features.intake.ingest import ingest
from features.models import RawEvent
from features.offline import columns, reader
from features.offline.columns import Unexportable
from features.offline.compaction import merged
from features.offline.upkeep import tidy
from tests.features.offline import assert_exact, export, folder, live
from tests.makers import NOON, harvested, watered
from tests.processes import ROOT

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _place(settings, tmp_path):
    settings.EXPORT_URL = str(tmp_path / "offline")


def store(*events) -> None:
    ingest(events, refresh=False)


def raw(**fields) -> RawEvent:
    """An event as only the database may hold it: whatever text and number."""
    fields = {"source": "s", "entity_type": "plot", "entity_id": "a", "event_type": "t", "event_time": NOON} | fields
    return RawEvent.objects.create(**fields)


def test_each_column_comes_back_as_it_was():
    store(watered("a", litres="12.345678901234567891"), watered('b,"\n\\N', moisture="3"), harvested("c"))
    raw(source="", source_id="\n\r\"'", entity_id="", payload={"text": 'a "quoted", \n line', "none": None})
    raw(source_id="big", value=Decimal("999999999999999.999999999999999999"))
    raw(source_id="small", value=Decimal("-0.000000000000000001"), event_time=datetime(1969, 12, 31, tzinfo=UTC))
    export()
    found = {row["id"]: row for row in reader.events("plot").to_pylist()}
    for event in RawEvent.objects.all():
        row = found.pop(event.id)
        assert json.loads(row.pop("payload")) == event.payload
        assert row == {name: getattr(event, name) for name in row}
    assert not found


@pytest.mark.parametrize("value", ["0.1234567890123456789", "1e20", "-1e25", "1e30", "1e60"])
def test_a_value_that_does_not_fit_stops_the_export_and_is_never_rounded(value):
    raw(source_id="1", value=Decimal(value))
    with pytest.raises(Unexportable):
        export()


def test_files_lie_by_entity_type_and_month_of_the_event_in_utc():
    edge = datetime(2026, 6, 1, tzinfo=UTC)
    store(watered(now=edge), watered(now=edge - timedelta(microseconds=1)))
    raw(source_id="1", entity_type="a/b=c")
    export()
    places = [row.path.rpartition("/")[0] for row in live()]
    assert places == [
        "events/entity_type=a%2Fb%3Dc/month=2026-06",
        "events/entity_type=plot/month=2026-05",
        "events/entity_type=plot/month=2026-06",
    ]
    for row in live():
        assert pq.read_metadata(folder() / row.path).num_rows == row.rows == 1
        assert row.min_event_time == row.max_event_time


def test_a_file_is_sorted_by_entity_time_and_id():
    store(*(watered(plot, days_ago=days) for plot in "cab" for days in (1, 3, 2, 2)))
    export()
    [row] = live()
    found = pq.read_table(folder() / row.path, columns=columns.SORTED_BY, partitioning=None).to_pylist()
    keys = [tuple(line[name] for name in columns.SORTED_BY) for line in found]
    assert keys == sorted(keys) and len(keys) == 12


def test_only_what_is_asked_for_is_read():
    store(watered("a"), watered("b", days_ago=40), harvested("a"), harvested("b"))
    export()
    found = reader.events(
        "plot", columns=["entity_id", "value"], types=["garden.harvested"], entity_ids=["b", "z"], until=NOON
    )
    assert found.to_pylist() == [{"entity_id": "b", "value": Decimal(2)}]
    assert str(found.schema.field("entity_id").type).startswith("dictionary<")
    assert reader.events("plot", columns=["id"], entity_ids=["b"]).column_names == ["id"]
    assert len(reader.events("plot", until=NOON - timedelta(days=30))) == 1
    assert len(reader.events("plot", until=NOON - timedelta(days=90))) == 0
    assert len(reader.events("nobody", columns=["id"])) == 0
    assert sum(len(batch) for batch in reader.batches("plot", types=["garden.watered"])) == 2
    assert {str(reader.events("plot").schema.field(name).type) for name in columns.REPEATING} == {
        "dictionary<values=string, indices=int32, ordered=0>"
    }


def numbers(*values) -> pa.ChunkedArray:
    return pa.chunked_array([values[:2], values[2:]], pa.decimal128(38, 18))


def test_decimals_become_whole_numbers_exactly_or_not_at_all():
    values = numbers(Decimal("12.34"), None, Decimal("-0.01"))
    assert reader.scaled(values, decimals=2).tolist() == [1234, 0, -1]
    assert reader.scaled(values.slice(1), decimals=3).tolist() == [0, -10]
    assert reader.scaled(values.slice(3), decimals=2).tolist() == []
    with pytest.raises(reader.Inexact):
        reader.scaled(values, decimals=1)


@given(st.lists(st.integers(-(10**33), 10**33) | st.integers(-(10**6), 10**6)), st.integers(0, 18), st.booleans())
@hypothesis_settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_scaling_agrees_with_python(wholes, decimals, divisible):
    step = 10 ** (18 - decimals)
    if divisible:  # else a random number hardly ever is
        wholes = [whole // step * step for whole in wholes]
    values = numbers(*(Decimal(whole).scaleb(-18, Context(prec=40)) for whole in wholes))
    meant = [whole // step for whole in wholes]
    if all(whole % step == 0 and -(2**63) <= whole // step < 2**63 for whole in wholes):
        assert reader.scaled(values, decimals=decimals).tolist() == meant
    else:
        with pytest.raises(reader.Inexact):
            reader.scaled(values, decimals=decimals)


def test_a_later_export_adds_what_is_new_and_touches_nothing_else():
    store(watered("a"))
    export()
    [before] = live()
    assert export() == []
    known = watered("a", source_id="again")
    store(known)
    store(known)  # counted once, though it draws an id each time
    [done] = export()
    assert done.rows == 1 and done.first_id == before.last_id + 1
    assert before.path in {row.path for row in live()}
    assert export() == []
    assert_exact()


def test_what_is_not_exported_is_known():
    assert reader.exported_through() == reader.Through(0, None)
    store(watered("a"))
    export()
    through = reader.exported_through()
    store(watered("b"))
    assert RawEvent.objects.filter(id__gt=through.last_id).get().entity_id == "b"
    assert through.recorded_before is not None


def test_the_manifest_alone_tells_another_engine_all_it_needs():
    store(watered("a"), watered("b", days_ago=40))
    export()
    tidy()
    manifest = json.loads((folder() / "manifest.json").read_text())
    assert manifest["format"] == "millrace-events/2" and manifest["totals"]["rows"] == 2
    assert manifest["exported_through"]["last_id"] == max(RawEvent.objects.values_list("id", flat=True))
    tables = [pq.read_table(folder() / file["path"], partitioning=None) for file in manifest["files"]]
    assert sorted(pa.concat_tables(tables).column("entity_id").to_pylist()) == ["a", "b"]
    told = [(column["name"], column["type"]) for column in manifest["schema"]]
    assert told == [
        (field.name, str(field.type)) for field in tables[0].schema if field.name not in manifest["in_some_files"]
    ]
    (folder() / "manifest.json").unlink()  # it can be made again from the rows
    tidy()
    assert json.loads((folder() / "manifest.json").read_text()) == manifest


def test_duckdb_reads_the_same_files():
    duckdb = pytest.importorskip("duckdb")
    store(watered("a", litres=3), watered("a", litres=4), harvested("b"))
    export()
    query = f"SELECT entity_type, month, sum(value) FROM read_parquet('{folder()}/events/**/*.parquet') GROUP BY ALL"
    assert duckdb.sql(query).fetchall() == [("plot", "2026-06", Decimal(9))]


def test_another_kind_of_storage_serves_as_well(settings):
    settings.EXPORT_URL = "memory://millrace/offline"
    store(watered("a"), watered("b"))
    export()
    tidy()
    assert len(reader.events("plot")) == 2
    assert json.loads(offline_storage().read_text("manifest.json"))["totals"]["files"] == 1
    offline_storage().write_text("events/entity_type=plot/month=2026-06/dead.parquet", "")
    assert tidy().orphans == 1


def offline_storage():
    from features.offline.storage import storage

    return storage()


def test_without_a_place_or_packages_the_message_says_what_to_do(settings, monkeypatch):
    settings.EXPORT_URL = ""
    with pytest.raises(offline.OfflineStoreUnavailable, match="EXPORT_URL"):
        offline.require()
    settings.EXPORT_URL = "somewhere"
    monkeypatch.setattr(offline, "find_spec", lambda name: None)
    with pytest.raises(offline.OfflineStoreUnavailable, match="requirements/science.txt"):
        offline.require()


rows = st.lists(
    st.tuples(st.sampled_from(["", "a", "b", "é", "\U0001f600"]), st.integers(-3, 3), st.integers(0, 9)), max_size=30
)


@given(st.lists(rows, max_size=5), st.integers(1, 4))
@hypothesis_settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_merging_sorted_pieces_gives_all_rows_in_order(sources, size):
    def table(part):
        entity_ids, times, ids = zip(*part, strict=True) if part else ((), (), ())
        return pa.table(
            {
                "entity_id": pa.array(entity_ids, pa.string()),
                "event_time": pa.array(times, columns.MOMENT),
                "id": pa.array(ids, pa.int64()),
            }
        )

    def key(row):
        return row[0].encode(), row[1], row[2]

    def pieces(part):
        part = sorted(part, key=key)
        return iter([table(part[start : start + size]) for start in range(0, len(part), size)])

    out = [
        (row["entity_id"], row["event_time"], row["id"])
        for piece in merged([pieces(part) for part in sources])
        for row in piece.set_column(1, "event_time", piece["event_time"].cast(pa.int64())).to_pylist()
    ]
    assert out == sorted((row for part in sources for row in part), key=key)


def test_processes_start_without_the_packages_and_export_every_five_minutes_where_they_are():
    code = """
import sys
import config.wsgi
from tasks.definitions import periodic_tasks
assert not {"pyarrow", "fsspec"} & set(sys.modules)
print(*[f"{one.task.name} {one.rhythm}" for one in periodic_tasks() if one.task.name == "features.export_events"])
"""
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "features.export_events every 300 s\n"), done.stdout + done.stderr
