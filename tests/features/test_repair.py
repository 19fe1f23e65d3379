"""Late events correct the history: of each as-of time the newest row is right, and the rows before it stay."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from features.definitions import feature_sets
from features.intake.ingest import NewEvent, ingest
from features.models import FeatureHistory, FeatureSetVersion, StaleEntity
from features.serving.stored import point_in_time
from features.values import extraction, repair
from features.values.coverage import coverage, unrepaired_entities, waiting_entities
from features.values.materialize import refresh
from tests.features.test_exactness import histories
from tests.makers import NOON, harvested, watered

pytestmark = pytest.mark.django_db


def day(number: int):
    return NOON - timedelta(days=number)


def history(name: str = "plot_care", entity_id: str = "a") -> list[FeatureHistory]:
    return list(FeatureHistory.objects.filter(feature_set__name=name, entity_id=entity_id).order_by("as_of", "pk"))


def the_newest_rows_are_right(*entity_ids: str) -> None:
    """Of these entities, or of all."""
    of = {"entity_id__in": entity_ids} if entity_ids else {}
    for feature_set in feature_sets(entity="plot"):
        row = FeatureSetVersion.objects.get(name=feature_set.name, version=feature_set.version)
        newest = {
            (h.entity_id, h.as_of): h for h in FeatureHistory.objects.filter(feature_set=row, **of).order_by("pk")
        }
        for served in point_in_time(feature_set, list(newest)) if newest else []:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT vals = %s::jsonb FROM model_features_history WHERE id = %s",
                    [served.vals, newest[served.entity_id, served.as_of].pk],
                )
                assert cursor.fetchone() == (True,)


def test_a_late_event_repairs_the_history():
    ingest([watered(days_ago=20)], refresh=False)
    for number in (15, 10, 5):
        refresh("plot", ["a"], as_of=day(number))
    refresh("plot", ["a"])
    ingest([watered(days_ago=10, litres=7)], refresh=False)
    refresh("plot", ["a"], task_id="00000000-0000-0000-0000-000000000007")
    found = [(row.as_of, row.vals["litres"]) for row in history()[:5]]
    assert found == [(day(15), 10), (day(10), 10), (day(10), 17), (day(5), 10), (day(5), 17)]
    corrected = history()[2]
    assert corrected.source_rows == 2 and corrected.computed_at > history()[1].computed_at
    assert str(corrected.task_id) == "00000000-0000-0000-0000-000000000007"


def test_only_values_that_differ_are_written_again():
    ingest([watered(days_ago=20)], refresh=False)
    refresh("plot", ["a"], as_of=day(5))
    refresh("plot", ["a"])
    before = len(history("plot_harvest"))
    ingest([watered(days_ago=10)], refresh=False)
    refresh("plot", ["a"])
    assert len(history("plot_harvest")) == before + 1  # the one of now
    assert len(history("plot_care")) == before + 3


def test_an_event_in_order_touches_no_history():
    ingest([watered(days_ago=20)], refresh=False)
    refresh("plot", ["a"], as_of=day(10))
    ingest([watered(days_ago=5)], refresh=False)
    refresh("plot", ["a"])
    assert [row.vals["litres"] for row in history()] == [10, 20]


def test_much_history_is_corrected_part_by_part(monkeypatch):
    monkeypatch.setattr(repair, "AT_ONCE", 4)
    ingest([watered(plot, days_ago=30) for plot in ("a", "b", "c")], refresh=False)
    for number in range(6):
        refresh("plot", ["a", "b", "c"], as_of=day(number + 1))
    refresh("plot", ["a", "b", "c"])
    ingest([watered(plot, days_ago=20) for plot in ("a", "b", "c")], refresh=False)
    done = refresh("plot", ["a", "b", "c"])
    assert done.unrepaired == 3 and unrepaired_entities("plot") == ["a", "b", "c"]
    assert not any(row.stale for row in coverage() if row.entity_type == "plot")
    assert waiting_entities("plot", limit=9) == ["a", "b", "c"]
    list(extraction.repair_histories("plot"))
    assert not StaleEntity.objects.exists()
    the_newest_rows_are_right()


def test_the_rest_of_a_repair_is_asked_for_as_a_task(monkeypatch):
    from tasks.execution import run_task
    from tasks.models import Task

    monkeypatch.setattr(repair, "AT_ONCE", 2)
    ingest([watered(days_ago=30)], refresh=False)
    for number in range(5):
        refresh("plot", ["a"], as_of=day(number + 1))
    [task_id] = ingest([watered(days_ago=20)]).task_ids
    run_task(task_id)
    asked = Task.objects.get(name="features.repair_history")
    run_task(str(asked.pk))
    asked.refresh_from_db()
    assert asked.status == "completed" and not StaleEntity.objects.exists()
    the_newest_rows_are_right()


class Repairs(TestCase):
    @given(histories(), st.randoms(use_true_random=False))
    @hypothesis_settings(max_examples=25, deadline=None)
    def test_the_newest_history_is_right_in_any_order_of_arrival(self, events: list[NewEvent], chance) -> None:
        arriving = [*events, *events, harvested(days_ago=60)]
        chance.shuffle(arriving)
        while arriving:
            ingest([arriving.pop() for _ in range(chance.randint(1, len(arriving)))], refresh=False)
            if chance.random() < 0.5:
                refresh("plot", ["a"], as_of=NOON - timedelta(days=chance.randint(-1, 30)))
            if chance.random() < 0.7:
                refresh("plot", ["a"])
        refresh("plot", ["a"])
        assert not StaleEntity.objects.filter(latest__lte=NOON + timedelta(days=2)).exists()
        the_newest_rows_are_right()
