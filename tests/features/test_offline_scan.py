"""Whole files read side by side give every event with its exact value, whatever the files hold."""

from datetime import timedelta
from decimal import Context, Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.models import RawEvent
from features.offline import files, reader
from features.offline.columns import VALUE64
from features.offline.compaction import compact
from features.offline.decimals import WIDE, joined
from features.offline.scan import read_files
from tests.features.offline import assert_exact, export, folder, live
from tests.makers import NOON

pytestmark = pytest.mark.django_db
COLUMNS = ["id", "entity_id", "event_type", "event_time", "value"]
LARGE, FINE, TINY = Decimal("999999999999.25"), Decimal("0.123456789"), Decimal("0.000000000000000001")


@pytest.fixture(autouse=True)
def _place(settings, tmp_path):
    settings.EXPORT_URL = str(tmp_path / "offline")


def store(*values):
    number = RawEvent.objects.count()
    RawEvent.objects.bulk_create(
        RawEvent(source="t", source_id=str(number + place), entity_type="plot", entity_id=f"plot {place % 3}",
                 event_type="garden.watered", event_time=NOON - timedelta(days=20 * place), value=value)
        for place, value in enumerate(values)
    )  # fmt: skip


def narrow_types():
    schemas = [pq.read_schema(folder() / row.path) for row in live()]
    return [str(s.field(VALUE64).type) if VALUE64 in s.names else None for s in schemas]


def assert_read():
    """As the reader that goes by `value` alone, and as the database."""
    found = read_files([row.path for row in live()], COLUMNS)
    by_id = {row["id"]: row for row in found.to_pylist()}
    assert by_id == {row["id"]: row for row in reader.events("plot", columns=COLUMNS).to_pylist()}
    assert {number: row["value"] for number, row in by_id.items()} == dict(RawEvent.objects.values_list("id", "value"))
    return str(found.schema.field("value").type)


def test_money_is_read_as_whole_numbers_of_64_bits():
    store(Decimal("12.50"), None, Decimal("-0.01"))
    export()
    assert set(narrow_types()) == {"decimal64(18, 2)"}
    assert assert_read() == "decimal64(18, 2)"
    assert_exact()


def test_files_of_different_decimals_are_read_with_the_most():
    for value in (Decimal("1.5"), FINE):
        store(value)
        export()
    assert narrow_types() == ["decimal64(18, 2)", "decimal64(18, 9)"]
    assert assert_read() == "decimal64(18, 9)"


@pytest.mark.parametrize("other", [LARGE, TINY, Decimal(10**19)])
def test_what_64_bits_do_not_hold_together_is_read_in_full(other):
    for value in (FINE, other):
        store(value)
        export()
    assert assert_read() == str(WIDE)
    list(compact(fully=True))
    assert narrow_types() == [None]
    assert assert_read() == str(WIDE)
    assert_exact()


def test_files_of_an_older_format_are_read_and_merged_into_the_new_one(monkeypatch):
    with monkeypatch.context() as older:
        older.setattr(files, "decimals_for", lambda part: None)
        store(Decimal("1.25"), None)
        export()
    assert set(narrow_types()) == {None}
    store(Decimal("3.5"))
    export()
    assert assert_read() == "decimal64(18, 2)"
    list(compact(fully=True))
    assert set(narrow_types()) == {"decimal64(18, 2)", None}
    assert assert_read() == "decimal64(18, 2)"
    assert_exact()


DIGITS = Context(prec=40)
VALUES = st.one_of(
    st.none(),
    st.integers(-(10**38) + 1, 10**38 - 1).map(lambda n: Decimal(n).scaleb(-18, DIGITS)),
    st.integers(-(10**18), 10**18).map(lambda n: Decimal(n).scaleb(-2, DIGITS)),
    st.integers(-(10**9), 10**9).map(lambda n: Decimal(n).scaleb(-9, DIGITS)),
)


@given(parts=st.lists(st.lists(VALUES, max_size=4), min_size=1, max_size=4))
def test_joined_tables_keep_every_value(parts):
    tables = [pa.table({"value": pa.array(part, WIDE)}) for part in parts]
    assert joined(tables).column("value").to_pylist() == [value for part in parts for value in part]
