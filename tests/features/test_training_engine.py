"""The columns compute what PostgreSQL computes and what the words mean, whatever the order of what they are given."""

from __future__ import annotations

import json
import random
from datetime import datetime, timedelta
from decimal import Decimal, localcontext

import pgtrigger
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from features.definitions import feature_sets
from features.intake.ingest import NewEvent, ingest
from features.language.pure import Happening
from features.models import RawEvent
from features.serving.stored import point_in_time
from features.training import engine, fields, reading
from features.training.fields import UnusableField
from features.training.log import Log, Spine
from features.training.results import UnusableValue
from tests.features.test_exactness import histories
from tests.garden.features import PlotCare
from tests.makers import NOON, happening, watered

MOMENTS = (NOON, NOON - timedelta(days=7), NOON + timedelta(days=1), NOON - timedelta(days=60))
SETS = [feature_set for feature_set in feature_sets(entity="plot") if feature_set.rows is None]
EVERYTHING = {feature_set: list(feature_set.features) for feature_set in SETS}


def by_columns(spine, *, known_at=None, table=None, wanted=EVERYTHING):
    asked = Spine.of(spine, known_at)
    events = reading.from_database("plot", list(reading.COLUMNS)) if table is None else table
    found = engine.compute(wanted, Log.of(events, asked), asked)
    return [
        {s: {name: row[f"{s.label()}:{name}"] for name in names} for s, names in wanted.items()}
        for row in found.to_pylist()
    ]


def same(found: dict, meant: dict) -> None:
    assert list(found) == list(meant)
    for name, value in meant.items():
        if isinstance(value, float):
            assert found[name] == pytest.approx(value, rel=1e-9, abs=1e-9), name
        else:
            assert found[name] == value, name  # counts, sums and money: to the last digit


def from_json(feature_set, values: dict) -> dict:
    moments = {name for name, feature in feature_set.features.items() if feature.data_type == "datetime"}
    floats = {name for name, feature in feature_set.features.items() if feature.data_type == "float"}
    return {
        name: value
        if value is None
        else datetime.fromisoformat(value)
        if name in moments
        else float(value)
        if name in floats
        else value
        for name, value in ((name, values[name]) for name in feature_set.features)
    }


class Parity(TestCase):
    @given(histories(), histories(), st.randoms(use_true_random=False))
    @hypothesis_settings(max_examples=15, deadline=None)
    def test_columns_postgres_and_the_meaning_agree(self, ours, others, chance: random.Random) -> None:
        theirs = [moved(event) for event in others]
        arriving = [*ours, *theirs]
        chance.shuffle(arriving)
        ingest(arriving, refresh=False)
        numbers = dict(RawEvent.objects.values_list("source_id", "id"))
        table = reading.from_database("plot", list(reading.COLUMNS))
        order = list(range(len(table)))
        chance.shuffle(order)
        spine = [(plot, moment) for plot in ("a", "b", "nowhere") for moment in MOMENTS]
        chance.shuffle(spine)
        found = by_columns(spine, table=table.take(pa.array(order, pa.int64())))
        for feature_set in SETS:
            stored = point_in_time(feature_set, spine)
            for (plot, moment), row, served in zip(spine, found, stored, strict=True):
                events = {"a": ours, "b": theirs}.get(plot, [])
                history = [happening(event, numbers[event.source_id]) for event in events]
                same(row[feature_set], feature_set.compute(history, moment))
                same(row[feature_set], from_json(feature_set, served.values()))


def moved(event):
    """The same event of another plot."""
    return NewEvent(
        source=event.source, source_id=f"b{event.source_id}", event_type=event.event_type, entity_id="b",
        event_time=event.event_time, data=event.data,
    )  # fmt: skip


class KnownAt(TestCase):
    @given(histories(), st.lists(st.integers(-40, 40), min_size=12, max_size=12), st.integers(-40, 40))
    @hypothesis_settings(max_examples=12, deadline=None)
    def test_what_was_recorded_later_is_not_seen_by_all_or_by_each_row(self, events, delays, known_day) -> None:
        ingest(events, refresh=False)
        stored = list(RawEvent.objects.order_by("id"))
        with pgtrigger.ignore("features.RawEvent:append_only"):
            for event, delay in zip(stored, delays, strict=False):
                RawEvent.objects.filter(pk=event.pk).update(recorded_at=NOON + timedelta(days=delay))
        spine = [(plot, moment) for moment in MOMENTS for plot in ("a", "nowhere")]
        known = NOON + timedelta(days=known_day)
        each = [known + timedelta(days=7 * place) for place in range(len(spine))]
        together, apart = by_columns(spine, known_at=known), by_columns(spine, known_at=each)
        for feature_set in SETS:
            served = point_in_time(feature_set, spine, known_at=known)
            for place, moment in enumerate(each):
                same(together[place][feature_set], from_json(feature_set, served[place].values()))
                [alone] = point_in_time(feature_set, [spine[place]], known_at=moment)
                same(apart[place][feature_set], from_json(feature_set, alone.values()))


BIG = st.decimals(min_value=-(10**15) + 1, max_value=10**15 - 1, places=18) | st.integers(-9, 9).map(Decimal)


@given(st.lists(BIG, min_size=1, max_size=30), st.integers(0, 30))
@hypothesis_settings(deadline=None)
def test_numbers_of_any_size_stay_exact(values, days):
    events = [watered("a", days_ago=place, litres=format(value, "f")) for place, value in enumerate(values)]
    history = [happening(event, number) for number, event in enumerate(events)]
    moment = NOON - timedelta(days=days)
    with localcontext(prec=80):  # Python's own sums are rounded to 28 digits otherwise, also those of functions
        [found] = by_columns([("a", moment)], table=columns_of(history))
        for feature_set in SETS:
            same(found[feature_set], feature_set.compute(history, moment))


def columns_of(history) -> pa.Table:
    """Events of plot a as they are read."""
    size = len(history)
    columns = {
        "id": [event.number for event in history],
        "entity_id": pa.array(["a"] * size).dictionary_encode(),
        "event_type": pa.array([event.event_type for event in history]).dictionary_encode(),
        "event_time": [event.event_time for event in history],
        "recorded_at": [event.event_time for event in history],
        "value": [event.value for event in history],
        "payload": [json.dumps(event.payload) for event in history],
    }
    schema = pa.schema(list(reading.COLUMNS.items()))
    return pa.table(
        [pa.array(c, schema.field(n).type) if isinstance(c, list) else c for n, c in columns.items()], schema=schema
    )


def test_events_of_one_instant_come_in_the_order_they_were_stored():
    first, second = happening(watered(litres=1), 7), happening(watered(litres=2), 8)
    for given_ in ([first, second], [second, first]):
        [row] = by_columns([("a", NOON)], table=columns_of(given_), wanted={PlotCare: ["first_value", "last_value"]})
        assert row[PlotCare] == {"first_value": 1, "last_value": 2}


def test_no_events_and_no_rows_are_fine_too():
    [row] = by_columns([("a", NOON)], table=columns_of([]))
    same(row[PlotCare], PlotCare.compute([], NOON))
    assert by_columns([], table=columns_of([happening(watered())])) == []


def test_a_number_that_a_column_cannot_hold_exactly_is_an_error_and_not_another_number():
    history = [happening(watered(days_ago=1, litres="999999999999999"), number) for number in range(200_001)]
    with pytest.raises(UnusableValue, match="plot_care@v1:litres"):
        by_columns([("a", NOON)], table=columns_of(history), wanted={PlotCare: ["litres"]})


def test_text_where_a_number_belongs_is_an_error():
    history = [Happening("garden.watered", NOON, Decimal(10), {"moisture": "damp"})]
    with pytest.raises(UnusableField, match="moisture"):
        by_columns([("a", NOON)], table=columns_of(history), wanted={PlotCare: ["moisture_last"]})
    [row] = by_columns([("a", NOON)], table=columns_of(history), wanted={PlotCare: ["litres"]})
    assert row[PlotCare] == {"litres": 10}


@pytest.mark.parametrize("decimals", [0, 1, 2, 5, 6, 9, 12, 18])
def test_decimals_are_read_without_loss(decimals):
    chosen = random.Random(decimals)
    numbers = [Decimal(chosen.randrange(-(10**15), 10**15)).scaleb(-decimals) for _ in range(500)]
    column = pa.chunked_array([pa.array([*numbers, None], pa.decimal128(38, 18)).slice(3)])
    field = fields.numbers(column)
    whole = field.meant(field.keys).tolist()
    assert [Decimal(w).scaleb(-field.scale) for w in whole[:-1]] == numbers[3:]
    assert field.present.tolist() == [True] * 497 + [False]
