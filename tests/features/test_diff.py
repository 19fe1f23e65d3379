"""What another version would change, and a version that is served only once it is promoted."""

from datetime import timedelta

import pytest
from django.utils import timezone

from audit.models import Entry
from features import catalogue
from features.definitions import FeatureSet, agg, feature, find_feature_set
from features.intake.ingest import ingest
from features.models import FeatureSetVersion, FeatureValue
from features.quality.difference import NotComparable, compare, find_versions
from features.serving.stored import find_feature
from features.values.materialize import refresh
from tasks.models import Task
from tests import makers
from tests.garden.events import plot
from tests.garden.features import PlotDraftsV1, PlotDraftsV2
from tests.makers import NOON, watered

pytestmark = pytest.mark.django_db


def differences(old, new, sample=1_000, as_of=NOON):
    *_, (done, figures) = compare(old, new, sample=sample, as_of=as_of)
    return done, figures


@pytest.fixture
def plots(redis):
    """Plot n was watered by Ada with n litres, then by Bo with 10."""
    events = [watered(f"plot-{n}", litres=n, days_ago=2, gardener="Ada") for n in range(20)]
    ingest([*events, *(watered(f"plot-{n}", days_ago=1, gardener="Bo") for n in range(20))], refresh=False)


def test_each_feature_says_where_it_is_and_how_many_values_differ(plots):
    done, found = differences(PlotDraftsV1, PlotDraftsV2)
    assert done == 20 and list(found) == ["events", "litres", "largest", "last_gardener", "smallest"]
    same = found["events"]
    assert (same["found_in"], same["definition_changed"], same["n"], same["differ"]) == ("both", False, 20, 0)
    litres = found["litres"]
    assert (litres["definition_changed"], litres["differ"], litres["share"]) == (True, 9, 0.45)  # of plots 1 to 9
    assert (litres["largest"], litres["median"], litres["became_null"]) == (9, 5, 0)
    assert len(litres["examples"]) == 9
    assert {"entity_id": "plot-4", "old": 14, "new": 10} in litres["examples"]
    assert found["largest"]["found_in"] == "old" and found["smallest"]["found_in"] == "new"
    names = found["last_gardener"]
    assert (names["share"], names["largest"], len(names["examples"])) == (1, None, 10)


def test_only_a_sample_is_compared_and_nothing_is_stored(plots):
    done, found = differences(PlotDraftsV1, PlotDraftsV2, sample=7)
    assert done == found["litres"]["n"] == 7
    assert not FeatureValue.objects.exists()


def test_nulls_that_come_and_go_are_counted(plots):
    _, before = differences(PlotDraftsV1, PlotDraftsV2, as_of=NOON - timedelta(days=10))
    assert before["last_gardener"]["differ"] == 0 and before["events"]["n"] == 20

    class Young(FeatureSet, name="plot_young", version="v1", entity=plot):
        """Whoever watered in the last 36 hours."""

        last_gardener = agg.last("gardener", data_type="string", unit="name", over=agg.hours(36), types=["garden.x"])

    try:
        _, found = differences(PlotDraftsV1, Young)
        assert (found["last_gardener"]["became_null"], found["last_gardener"]["was_null"]) == (20, 0)
    finally:
        forget(Young)


def test_python_functions_are_compared_too(plots):
    class Counted(FeatureSet, name="plot_counted", version="v1", entity=plot):
        """Events, counted by hand."""

        @feature(data_type="integer", unit="events")
        def events(batch):
            """One more than there are."""
            return [len(events) + 1 for events in batch.events]

    try:
        _, found = differences(PlotDraftsV1, Counted)
        assert (found["events"]["differ"], found["events"]["largest"]) == (20, 1)
        assert found["events"]["definition_changed"]
    finally:
        forget(Counted)


def forget(feature_set):
    from features.definitions import _sets

    del _sets[feature_set.name, feature_set.version]


def test_without_entities_there_is_nothing_to_compare():
    done, found = differences(PlotDraftsV1, PlotDraftsV2)
    assert done == 0 and found["litres"]["n"] == 0 and found["litres"]["share"] == 0


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("plot_drafts@v1", "plot_drafts@v9", "No feature set"),
        ("plot_drafts", "plot_drafts@v2", "name@version"),
        ("plot_drafts@v1", "plot_drafts@v1", "one version"),
        ("plot_drafts@v1", "core_behavioral@v1", "about a"),
    ],
)
def test_what_cannot_be_compared_is_refused(old, new, words):
    with pytest.raises(NotComparable, match=words):
        find_versions(old, new)


def test_a_comparison_is_a_task_with_a_result(plots):
    from tasks.testing import run_due

    analyst = makers.client(makers.user("analyst"))
    asked = {"old": "plot_drafts@v1", "new": "plot_drafts@v2", "sample": 10}
    answer = analyst.post("/api/v1/features/diff", asked, format="json")
    assert answer.status_code == 202 and answer["Location"].endswith(answer.json()["task_id"])
    run_due()
    task = Task.objects.get(pk=answer.json()["task_id"])
    assert task.status == "completed", task.error_traceback
    assert (task.result["old"], task.result["features"]["litres"]["n"]) == ("plot_drafts@v1", 10)
    assert analyst.post("/api/v1/features/diff", asked | {"new": "nope@v1"}, format="json").status_code == 400
    assert analyst.post("/api/v1/features/diff", asked | {"sample": 0}, format="json").status_code == 400


# Live versions


def row():
    return FeatureSetVersion.objects.get(name="plot_drafts", version="v2")


def test_who_names_no_version_gets_the_newest_live_one():
    assert find_feature_set("plot_drafts") is PlotDraftsV2
    assert catalogue.serving_set("plot_drafts") is PlotDraftsV1
    assert catalogue.serving_set("plot_drafts", "v2") is PlotDraftsV2
    assert find_feature("plot_drafts:litres") == (PlotDraftsV1, "litres")
    assert find_feature("plot_drafts@v2:smallest")[0] is PlotDraftsV2


def test_promoting_and_withdrawing_switch_what_is_served(redis):
    service, operator = makers.client(makers.user("service")), makers.client(makers.user("operator"))
    now = timezone.now()
    ingest([watered("a", litres=3, now=now), watered("a", litres=30, now=now)], refresh=False)
    refresh("plot", ["a"])
    asked = {"feature_set": "plot_drafts", "entity_ids": ["a"]}

    def served():
        body = service.post("/api/v1/features/inference", asked, format="json").json()
        return body["feature_version"], body["results"][0]["features"]["litres"]

    assert served() == ("v1", 33)
    address = "/api/v1/features/versions/plot_drafts@v2"
    assert service.post(f"{address}/promote", {"reason": "x"}, format="json").status_code == 403
    assert operator.post(f"{address}/promote", {}, format="json").status_code == 400
    answer = operator.post(f"{address}/promote", {"reason": "compared"}, format="json")
    assert answer.json() == {"feature_set": "plot_drafts", "version": "v2", "live": True}
    assert served() == ("v2", 30)
    assert operator.post(f"{address}/promote", {"reason": "again"}, format="json").status_code == 409
    assert operator.post(f"{address}/withdraw", {"reason": "wrong"}, format="json").json()["live"] is False
    assert served() == ("v1", 33)
    told = Entry.objects.filter(entity_type="feature_set").order_by("id")
    assert [(entry.action, entry.metadata["reason"]) for entry in told] == [
        ("feature_set_promoted", "compared"), ("feature_set_withdrawn", "wrong")]  # fmt: skip


def test_a_version_that_is_live_by_declaration_is_not_switched():
    live = FeatureSetVersion.objects.get(name="plot_drafts", version="v1")
    for switch in (catalogue.promote_version, catalogue.withdraw_version):
        with pytest.raises(catalogue.WrongState, match="live=False"):
            switch(row=live, reason="x")
    operator = makers.client(makers.user("operator"))
    unknown = operator.post("/api/v1/features/versions/plot_drafts/promote", {"reason": "x"}, format="json")
    assert unknown.status_code == 404


def test_whether_it_is_live_is_no_part_of_a_definition():
    assert "live" not in PlotDraftsV2.definition() and row().promoted_at is None
