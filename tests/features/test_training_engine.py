"""The columns compute what PostgreSQL computes and what the words mean, whatever the order of what they are given."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from features.definitions import feature_sets
from features.ingest import ingest
from features.models import RawEvent
from features.serving import point_in_time
from features.training import engine, reading
from features.training.log import Log, Spine
from tests.features.test_exactness import histories
from tests.garden.features import PlotCare, PlotGaps, PlotRhythm
from tests.makers import NOON, happening, harvested, watered

MOMENTS = (NOON, NOON - timedelta(days=7), NOON + timedelta(days=1), NOON - timedelta(days=60))
SETS = [feature_set for feature_set in feature_sets(entity="plot") if feature_set.rows is None]
EVERYTHING = {feature_set: list(feature_set.features) for feature_set in SETS}


def table_of(events=None) -> pa.Table:
    return reading.from_database("plot", list(reading.COLUMNS)) if events is None else events


def by_columns(spine, *, known_at=None, table=None, wanted=EVERYTHING):
    asked = Spine.of(spine, known_at)
    found = engine.compute(wanted, Log.of(table_of(table), asked), asked)
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
    @hypothesis_settings(max_examples=60, deadline=None)
    def test_columns_postgres_and_the_meaning_agree(self, ours, others, chance: random.Random) -> None:
        theirs = [e for e in (move(event) for event in others)]
        arriving = [*ours, *theirs]
        chance.shuffle(arriving)
        ingest(arriving, refresh=False)
        numbers = dict(RawEvent.objects.values_list("source_id", "id"))
        table = table_of()
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


def move(event):
    return type(event)(**{**{f: getattr(event, f) for f in ("source", "event_type", "event_time", "data")},
                          "entity_id": "b", "source_id": f"b{event.source_id}"})  # fmt: skip
