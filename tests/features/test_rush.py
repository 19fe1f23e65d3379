"""Tasks for one entity each, in a rush: what one of them computes beside its own, the others find done."""

import pytest

from features.intake.ingest import ingest
from features.models import StaleEntity
from features.serving.stored import stored
from features.tasks import compute_features
from tasks.execution import run_task
from tasks.models import Task
from tests.garden.features import PlotCare
from tests.makers import watered

pytestmark = pytest.mark.django_db(transaction=True)


def asked(*plots):
    names = {"entity_type": "plot", "feature_set": "plot_care", "feature_version": "v1"}
    return [compute_features.enqueue(entity_id=plot, **names).id for plot in plots]


def result(task_id):
    run_task(task_id)
    return Task.objects.get(pk=task_id).result


def test_entities_that_wait_are_computed_along_and_their_tasks_find_them_done(redis):
    ingest([watered("a"), watered("b"), watered("b")], refresh=False)
    first, second = asked("a", "b")
    assert result(first)["events_processed"] == 1
    there = stored(PlotCare, ["b"])["b"]
    assert (there.values()["events"], there.task_id) == (2, first)
    assert (result(second)["events_processed"], result(second)["features_stored"]) == (0, True)
    assert stored(PlotCare, ["b"])["b"] == there and not StaleEntity.objects.exists()


def test_what_was_computed_before_the_task_was_asked_for_is_computed_anew(redis):
    ingest([watered()], refresh=False)
    [first] = asked("a")
    run_task(first)
    [second] = asked("a")
    run_task(second)
    assert stored(PlotCare, ["a"])["a"].task_id == second


def test_an_event_after_the_computation_is_counted_by_the_task_that_follows_it(redis):
    ingest([watered("a")], refresh=False)
    [first] = asked("a")
    ingest([watered("b")], refresh=False)
    [second] = asked("b")
    run_task(first)
    ingest([watered("b")], refresh=False)
    assert result(second)["events_processed"] == 1
    assert stored(PlotCare, ["b"])["b"].values()["events"] == 2
