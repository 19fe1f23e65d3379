"""Events in runs of bytes are the events of `from_database`, or there are none of them."""

from datetime import timedelta
from decimal import Decimal

import pytest

from features.definitions import feature_sets
from features.models import RawEvent
from features.offline.columns import Unexportable
from features.training import grouped, reading
from features.training.fields import numbers
from features.training.log import Spine
from tests.makers import NOON

pytestmark = pytest.mark.django_db
COLUMNS = ["id", "entity_id", "event_type", "event_time", "recorded_at", "value"]


def store(*values, kind="garden.watered", plot="a"):
    RawEvent.objects.bulk_create(
        RawEvent(source="t", source_id=f"{plot}:{kind}:{place}", entity_type="plot", entity_id=plot, event_type=kind,
                 event_time=NOON - timedelta(days=place, microseconds=place), value=value)
        for place, value in enumerate(values)
    )  # fmt: skip


def rows(table):
    return sorted(table.select(COLUMNS).to_pylist(), key=lambda row: row["id"])


def both():
    return grouped.events("plot", COLUMNS, "entity_type = 'plot'"), reading.from_database("plot", COLUMNS)


def test_they_are_the_events_with_every_value_exact():
    store(Decimal("12.50"), None, Decimal("-0.01"), Decimal("7"))
    store(None, Decimal("3.5"), kind="garden.harvested", plot="plot „b“")
    found, plain = both()
    assert rows(found) == rows(plain)
    assert found.schema.field("value").type.scale == 2


def test_a_value_of_more_decimals_than_the_first_thousand_is_exact_too(monkeypatch):
    monkeypatch.setattr(grouped, "SAMPLE", "SELECT 0 WHERE %s <> ''")
    store(Decimal("0.000001"), Decimal("12345.5"))
    found, plain = both()
    assert rows(found) == rows(plain)


def test_no_events_are_a_table_of_the_same_columns():
    assert grouped.events("plot", COLUMNS, "entity_type = 'plot'").column_names == COLUMNS
    store(None)
    assert rows(both()[0]) == rows(both()[1])


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (Decimal("0.0000000001"), "garden.watered"),  # more decimals
        (Decimal(10**18), "garden.watered"),  # more digits
        (Decimal(10**19), "garden.watered"),  # more than 64 bits
        (Decimal(1), "garden\x1fwatered"),
    ],
)
def test_what_does_not_fit_comes_as_text(value, kind):
    store(value, kind=kind)
    with pytest.raises(grouped.Unfit):
        both()
    found = reading.in_groups("plot", COLUMNS, in_order=False)
    assert [row["event_type"] for row in rows(found)] == [kind]
    field = numbers(found.column("value"))
    assert Decimal(int(field.meant(field.keys)[0])).scaleb(-field.scale) == value


def test_training_from_the_database_reads_them_in_order_where_that_matters():
    store(*map(Decimal, range(5)))
    wanted = {s: ["first_value", "last_value"] for s in feature_sets(entity="plot") if s.name == "plot_care"}
    events = reading.read(wanted, Spine.of([("a", NOON)]), until=NOON)
    assert events.column_names[-1] == "id" and "payload" not in events.column_names


def test_a_value_that_no_column_holds_is_an_error():
    store(Decimal(10**30))
    with pytest.raises(Unexportable):
        reading.in_groups("plot", COLUMNS, in_order=False)
