"""PostgreSQL and DuckDB compute the same from the same declaration."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import ibis
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from features.definitions import FeatureSet, feature_sets
from features.engine.portable import compute_expression
from features.intake.ingest import NewEvent, ingest
from features.models import RawEvent
from features.serving.stored import point_in_time
from tests.features.test_exactness import histories
from tests.makers import NOON, watered

TIME = pa.timestamp("us", "UTC")
EVENTS = pa.schema({"id": pa.int64(), "entity_id": pa.string(), "event_type": pa.string(), "event_time": TIME,
                    "recorded_at": TIME, "value": pa.decimal128(38, 18), "payload": pa.string()})  # fmt: skip
SPINE = pa.schema({"place": pa.int64(), "entity_id": pa.string(), "as_of": TIME})
MOMENTS = [NOON, NOON - timedelta(days=7), NOON + timedelta(days=1), NOON - timedelta(days=300)]
PORTABLE = [feature_set for feature_set in feature_sets(entity="plot") if feature_set.rows is None]


def events_table(entity_type: str) -> pa.Table:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, entity_id, event_type, event_time, recorded_at, value, payload::text FROM raw_events "
            "WHERE entity_type = %s",
            [entity_type],
        )
        return pa.Table.from_pylist([dict(zip(EVENTS.names, row, strict=True)) for row in cursor], EVENTS)


def by_duckdb(
    feature_set: type[FeatureSet], spine: list[tuple[str, datetime]], known_at: datetime | None = None
) -> list[dict[str, Any]]:
    engine = ibis.duckdb.connect()
    engine.con.register("events", events_table(feature_set.entity.name))
    rows = [{"place": n, "entity_id": entity_id, "as_of": as_of} for n, (entity_id, as_of) in enumerate(spine)]
    engine.con.register("spine", pa.Table.from_pylist(rows, SPINE))
    moment = None if known_at is None else ibis.literal(known_at, "timestamp('UTC', 6)")
    asked = compute_expression(feature_set, engine.table("events"), engine.table("spine"), known_at=moment)
    return engine.to_pyarrow(asked.order_by("place")).to_pylist()


def agree(found: dict[str, Any], postgres: dict[str, Any], feature_set: type[FeatureSet]) -> None:
    for name in set(found) - {"place", "entity_id", "as_of", "source_rows"}:
        kind, ours, theirs = feature_set.features[name].data_type, postgres[name], found[name]
        if ours is None or theirs is None:
            assert ours is theirs, name
        elif kind == "float":
            assert float(ours) == pytest.approx(theirs, rel=1e-9, abs=1e-9), name
        elif kind == "datetime":
            assert datetime.fromisoformat(ours) == theirs, name
        else:
            assert ours == theirs, name  # counts, money and texts: to the last digit


class Parity(TestCase):
    @given(st.lists(histories(), min_size=1, max_size=12))
    @hypothesis_settings(max_examples=5, deadline=None)
    def test_duckdb_computes_what_postgresql_does(self, several: list[list[NewEvent]]) -> None:
        for number, events in enumerate(several):
            ingest([replace(e, entity_id=f"p{number}", source_id=f"{number}:{e.source_id}") for e in events])
        spine = [(f"p{number}", moment) for number in range(len(several) + 1) for moment in MOMENTS]
        for feature_set in PORTABLE:
            ours = point_in_time(feature_set, spine)
            theirs = by_duckdb(feature_set, spine)
            assert [row.source_rows for row in ours] == [row["source_rows"] for row in theirs]
            for row, found in zip(ours, theirs, strict=True):
                agree(found, row.values(), feature_set)


@pytest.mark.django_db
def test_every_word_that_is_not_a_function_is_portable():
    ingest([watered(gardener="Ada", moisture="3")], refresh=False)
    for feature_set in PORTABLE:
        [found] = by_duckdb(feature_set, [("a", NOON)])
        expected = set(feature_set.features) - set(feature_set.functions())
        if feature_set.functions():
            expected -= set(feature_set.derived())
        assert expected <= set(found)


@pytest.mark.django_db
def test_both_leave_out_what_was_learned_later():
    ingest([watered(days_ago=3, litres="1.000000000000000001")], refresh=False)
    [first] = RawEvent.objects.all()
    ingest([watered(days_ago=2, litres="999999999999999.5")], refresh=False)
    for feature_set in PORTABLE:
        [ours] = point_in_time(feature_set, [("a", NOON)], known_at=first.recorded_at)
        [theirs] = by_duckdb(feature_set, [("a", NOON)], known_at=first.recorded_at)
        agree(theirs, ours.values(), feature_set)
        assert ours.source_rows == theirs["source_rows"] <= 1
    exact = next(s for s in PORTABLE if s.label() == "plot_care@v1")
    [whole] = by_duckdb(exact, [("a", NOON)])
    assert whole["litres"] == Decimal("1000000000000000.500000000000000001")
