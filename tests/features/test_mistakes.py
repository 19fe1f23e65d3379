"""Declarations that cannot mean what they say are found before a process starts."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.checks import run_checks

from base.startup import DECLARATIONS
from features import definitions
from features.definitions import Entity, Event, FeatureSet, agg
from features.language.sources import Rows
from features.mistakes import of_event, of_set

kite = Entity(name="kite", description="Only these tests fly it.")


@pytest.fixture(autouse=True)
def kites(monkeypatch):
    """What is declared here is forgotten afterwards."""
    monkeypatch.setattr(definitions, "_events", {})
    monkeypatch.setattr(definitions, "_sets", {})

    class Flown(Event, name="kites.flown", entity=kite, value="height"):
        height: Decimal
        pilot: str | None = None

    class Landed(Event, name="kites.landed", entity=kite):
        hard: bool = False

    return Flown, Landed


def mistakes(**features: Any) -> list[str]:
    options: dict[str, Any] = {"name": "kite_flights", "version": "v1", "entity": kite}
    options |= {name: features.pop(name) for name in ("source", "name", "version") if name in features}
    return list(of_set(type("Kite", (FeatureSet,), features, **options)))


def test_what_is_declared_in_this_project_is_without_mistakes(monkeypatch):
    monkeypatch.undo()
    assert run_checks(tags=[DECLARATIONS]) == []


def test_declarations_that_fit_are_let_pass():
    assert not mistakes(
        flights=agg.count(types=["kites.flown"]),
        high=agg.count(above=100, over=timedelta(days=1)),
        height=agg.mean(unit="m"),
        pilots=agg.distinct("pilot", unit="pilots"),
        last_pilot=agg.last("pilot", data_type="string", unit="name"),
        last_time=agg.last("event_time", unit="time"),
    )


@pytest.mark.parametrize(
    ("feature", "sentence"),
    [
        (agg.count(types=["kites.flewn"]), "no event of kite is called 'kites.flewn'"),
        (agg.distinct("pilto"), "none of its events has a field 'pilto'"),
        (agg.sum("pilot", unit="m"), "'pilot' is not a number, so there is no sum of it"),
        (agg.last("pilot", unit="m"), "'pilot' is not a number, so there is no last of it"),
        (agg.mean(types=["kites.landed"], unit="m"), "none of its events has a value"),
        (agg.count(types=["kites.landed"], above=1), "none of its events has a value"),
    ],
)
def test_a_feature_of_what_is_not_there_is_named(feature, sentence):
    assert mistakes(wrong=feature) == [f"wrong: {sentence}"]


def test_a_feature_of_an_event_that_its_set_leaves_out_is_named(kites):
    found = mistakes(source=kites[0], landings=agg.count(types=["kites.landed"]))
    assert found == ["landings: the set does not count 'kites.landed'"]


def test_a_feature_of_a_column_that_the_rows_do_not_have_is_named():
    rows = Rows(model="garden.Bed", entity_id="plot", event_time="at", fields={"depth": "depth"})
    found = mistakes(
        source=rows, depth=agg.mean("depth", unit="m"), width=agg.mean("width", unit="m"), all=agg.sum(unit="m")
    )
    assert found == ["width: its rows have no field 'width'", "all: its rows have no value"]


def test_names_that_no_address_could_hold_are_refused():
    assert len(mistakes(name="Kite flights", version="v 1", flights=agg.count())) == 2


def test_an_event_whose_value_is_not_there_or_no_number_is_named():
    class Lost(Event, name="kites lost", entity=kite, value="heigth"):
        height: Decimal

    class Found(Event, name="kites.found", entity=kite, value="where"):
        where: str

    assert len(list(of_event(Lost))) == 2
    assert list(of_event(Found)) == ["its value 'where' is not a number"]


def test_a_window_is_a_length_of_time():
    with pytest.raises(RuntimeError, match="such as agg.days"):
        agg.count(over=30)
