"""Events set apart are counted only by the sets that name them."""

from decimal import Decimal
from typing import ClassVar

import pytest

from features import definitions
from features.definitions import Entity, Event, FeatureSet, agg


@pytest.fixture
def declared(monkeypatch):
    """Two kinds of visit, one of them set apart, and a set for each way of counting; forgotten afterwards."""
    monkeypatch.setattr(definitions, "_events", dict(definitions._events))
    monkeypatch.setattr(definitions, "_sets", dict(definitions._sets))
    pond = Entity(name="pond")

    class Visited(Event, name="pond.visited", entity=pond):
        ducks: Decimal

    class Plain(FeatureSet, name="pond_before", version="v1", entity=pond):
        visits = agg.count()

    class Inspected(Event, name="pond.inspected", entity=pond):
        apart: ClassVar[bool] = True

    class All(FeatureSet, name="pond_after", version="v1", entity=pond):
        visits = agg.count()

    class Named(FeatureSet, name="pond_named", version="v1", entity=pond, source=[Visited, Inspected]):
        visits = agg.count()

    return Plain, All, Named


def test_a_set_without_a_source_counts_all_but_what_is_apart(declared):
    _, everything, named = declared
    assert everything.source == ("pond.visited",)
    assert named.source == ("pond.inspected", "pond.visited")


def test_setting_an_event_apart_changes_no_definition(declared):
    before, after, _ = declared
    assert before.definition() == after.definition() and before.checksum() == after.checksum()
