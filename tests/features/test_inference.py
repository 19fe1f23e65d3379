"""Serving: every status, ages and ttl, values computed where none are stored, and reads that wait for nobody."""

import threading
import time
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis.extra.django import TestCase

from features import definitions
from features.intake.ingest import ingest
from features.models import FeatureSetVersion, FeatureValue, KnownEntity, RawEvent
from features.services import online, point_in_time, stored
from features.serving.asked import MixedEntities
from features.serving.stored import UnknownFeature
from features.values.materialize import refresh
from loans.features import CoreBehavioral
from tasks.models import Task
from tests import makers
from tests.features.test_exactness import histories, same
from tests.garden.features import PlotCare, PlotGaps, PlotHarvest, PlotRhythm
from tests.makers import happening, harvested, watered

pytestmark = pytest.mark.django_db
STATUSES = {"PRESENT", "NULL_VALUE", "NOT_FOUND", "OUTSIDE_MAX_AGE"}


@pytest.fixture
def service():
    return makers.client(makers.user("service"))


def ask(client, **body):
    answer = client.post("/api/v1/features/inference", body, format="json")
    assert answer.status_code == 200, answer.json()
    return answer.json()


def happen(*events):
    ingest(events, refresh=False)


def make_older(seconds, **which):
    for row in FeatureValue.objects.filter(**which):
        FeatureValue.objects.filter(pk=row.pk).update(as_of=row.as_of - timedelta(seconds=seconds))


def today(plot="a", **more):
    return watered(plot, now=timezone.now(), **more)


# One feature of one entity: the document's question.


def test_the_documents_keys_come_first(service):
    happen(today(litres="12.50"))
    refresh("plot", ["a"])
    answer = service.post("/api/v1/features/inference", {"feature_type": "heavy_litres", "entity_id": "a"}, "json")
    assert list(answer.json())[:5] == ["feature_type", "entity_id", "feature_value", "computed_at", "success"]
    assert b'"feature_value":12.50' in answer.content
    assert answer.json()["status"] == "PRESENT" and 0 <= answer.json()["age_s"] < 60
    assert "error" not in answer.json()


def test_null_is_a_value(service):
    happen(harvested("a"))
    refresh("plot", ["a"])
    found = ask(service, feature_type="plot_care:litres_mean", entity_id="a")
    assert (found["feature_value"], found["status"], found["success"]) == (None, "NULL_VALUE", True)
    assert found["as_of"] and "error" not in found


@pytest.mark.parametrize("entity_id", ["nobody", "'; --", "9" * 100, "ž", "-1"])
@pytest.mark.parametrize("feature_type", ["plot_care:litres", "plot_rows:events", "plot_gaps:events", "event_count_7d"])
def test_an_unknown_entity_is_not_found(service, feature_type, entity_id):
    found = ask(service, feature_type=feature_type, entity_id=entity_id)
    assert (found["feature_value"], found["computed_at"], found["success"]) == (None, None, False)
    assert (found["status"], found["age_s"]) == ("NOT_FOUND", None)
    assert found["error"] == "Nothing is known about this entity."


def test_an_id_that_does_not_fit_the_type_of_the_key_is_not_found(service, accounts_by_number):
    people = makers.user(), makers.user()
    known = online([accounts_by_number], [str(people[0].pk), "abc", str(10**30), "1.5"])
    assert [row[0].status for row in known.values()] == ["PRESENT", "NOT_FOUND", "NOT_FOUND", "NOT_FOUND"]


@pytest.fixture
def accounts_by_number(monkeypatch):
    """A set over rows whose entity id is a number in the database."""
    monkeypatch.setattr(definitions, "_sets", dict(definitions._sets))

    class Accounts(
        definitions.FeatureSet,
        name="accounts",
        version="v1",
        entity=definitions.Entity(name="account"),
        source=definitions.Rows(model="accounts.User", entity_id="pk", event_time="date_joined"),
    ):
        seen = definitions.agg.count()

    FeatureSetVersion.objects.create(name="accounts", version="v1", checksum=Accounts.checksum(), definition={})
    return Accounts


# On demand.


@pytest.mark.django_db(transaction=True)
def test_what_is_not_stored_is_computed_and_stored_behind(service, redis):
    from tasks.execution import run_task

    happen(today(litres=3), today(litres=4))
    first = ask(service, feature_type="plot_care:litres", entity_id="a")
    assert (first["feature_value"], first["success"], first["age_s"]) == (7, True, 0)
    assert not FeatureValue.objects.exists()
    ask(service, feature_type="plot_care:events", entity_id="a")
    [task] = Task.objects.filter(name="features.store_served")  # asked twice, stored once
    run_task(str(task.pk))
    assert stored(PlotCare, ["a"])["a"].values()["litres"] == 7
    happen(today(litres=5))
    assert ask(service, feature_type="plot_care:litres", entity_id="a")["feature_value"] == 7
    assert Task.objects.filter(name="features.store_served").count() == 1


def test_an_entity_with_events_but_none_of_the_set_has_zeros(service):
    happen(today())
    on_demand = online([PlotHarvest], ["a"])["a"][0]
    refresh("plot", ["a"])
    from_store = online([PlotHarvest], ["a"])["a"][0]
    assert on_demand.values() == from_store.values() == {"harvests": 0, "kilograms": 0}
    assert on_demand.status == from_store.status == "PRESENT"


@pytest.mark.parametrize("feature_set", [PlotCare, PlotGaps, PlotRhythm, PlotHarvest])
def test_max_age_zero_is_the_value_of_now_exactly(feature_set):
    happen(today(days_ago=8), today(days_ago=2, litres="0.1"), harvested("a", now=timezone.now()), today("b"))
    refresh("plot", ["a"])
    happen(today(litres="0.2", gardener="Ada"))
    [row] = online([feature_set], ["a"], max_age=timedelta(0))["a"]
    assert row.row.source_rows >= 1
    assert row.row.values() == point_in_time(feature_set, [("a", row.row.as_of)])[0].values()


class ComputedNow(TestCase):
    @given(histories())
    @hypothesis_settings(max_examples=15, deadline=None)
    def test_any_history_gives_its_meaning_stored_or_computed(self, events):
        ingest(events, refresh=False)
        numbers = dict(RawEvent.objects.values_list("source_id", "id"))
        history = [happening(event, numbers[event.source_id]) for event in events]
        sets = [one for one in definitions.feature_sets(entity="plot") if one.rows is None]
        for found in online(sets, ["a"], max_age=timedelta(0))["a"]:
            assert found.success == bool(events)
            if events:
                same(found.row.values(), found.asked.feature_set.compute(history, found.row.as_of))
        refresh("plot", ["a"])
        for found in online(sets, ["a"])["a"]:
            assert found.success == bool(events)
            if events:
                same(found.row.values(), found.asked.feature_set.compute(history, found.row.as_of))


def test_max_age_zero_sees_what_was_recorded_this_instant(service):
    for number in range(1, 20):
        happen(today())
        found = ask(service, feature_set="plot_care", entity_ids=["a"], max_age_s=0)["results"][0]
        assert found["features"]["events"] == found["source_rows"] == number
    assert not FeatureValue.objects.exists() and not Task.objects.exists()


# Ages.


def test_older_values_are_recomputed_or_refused_as_asked(service):
    happen(today(litres=1))
    refresh("plot", ["a"])
    happen(today(litres=2))
    make_older(100)
    question = {"feature_type": "plot_care:litres", "entity_id": "a"}
    assert ask(service, **question)["feature_value"] == 1
    young = ask(service, **question, max_age_s=200, if_older="refuse")
    assert (young["feature_value"], young["status"]) == (1, "PRESENT") and 100 <= young["age_s"] < 160
    assert ask(service, **question, max_age_s=50)["feature_value"] == 3
    assert ask(service, **question, max_age_s=50, if_older="recompute")["feature_value"] == 3
    refused = ask(service, **question, max_age_s=50, if_older="refuse")
    assert (refused["feature_value"], refused["status"], refused["success"]) == (None, "OUTSIDE_MAX_AGE", False)
    assert refused["age_s"] >= 100 and refused["as_of"] and refused["computed_at"] and refused["error"]


def test_a_value_beyond_its_ttl_is_not_served_as_present(service):
    happen(today())
    refresh("plot", ["a"])
    make_older(3 * 86_400 + 1)
    question = {"feature_set": "plot_rhythm", "entity_ids": ["a"]}
    [refused] = ask(service, **question)["results"]
    assert (refused["status"], refused["features"], refused["success"]) == ("OUTSIDE_MAX_AGE", None, False)
    assert set(refused["statuses"].values()) == {"OUTSIDE_MAX_AGE"}
    [again] = ask(service, **question, if_older="recompute")["results"]
    assert (again["status"], again["age_s"], again["features"]["events_7d"]) == ("PRESENT", 0, 1)
    [within] = ask(service, **question, max_age_s=10 * 86_400, if_older="refuse")["results"]
    assert within["status"] == "OUTSIDE_MAX_AGE"  # a max_age does not lengthen the ttl
    assert ask(service, feature_set="plot_care", entity_ids=["a"])["results"][0]["status"] == "PRESENT"


@pytest.mark.django_db(transaction=True)
def test_what_was_recomputed_for_its_age_is_stored_behind(redis):
    happen(today())
    refresh("plot", ["a"])
    make_older(100)
    online([PlotCare], ["a"], max_age=timedelta(seconds=200))
    assert not Task.objects.exists()
    online([PlotCare], ["a"], max_age=timedelta(seconds=50))
    assert Task.objects.get().kwargs == {"entity_type": "plot", "entity_ids": ["a"]}


def test_a_seven_day_count_long_after_the_last_event_is_zero():
    happen(today(days_ago=2))
    refresh("plot", ["a"])
    moment = timezone.now() + timedelta(days=30)
    assert point_in_time(PlotCare, [("a", moment)])[0].values()["waterings_7d"] == 0


# Many.


def test_a_set_for_many_entities_answers_in_their_order_and_repeats_what_is_repeated(service):
    happen(today("a", litres=1), today("b", litres=2), harvested("c", now=timezone.now()))
    refresh("plot", ["a", "c"])
    asked = ["c", "nobody", "a", "b", "a"]
    found = ask(service, feature_set="plot_care", feature_version="v1", entity_ids=asked)["results"]
    assert [row["entity_id"] for row in found] == asked
    assert [row["status"] for row in found] == ["PRESENT", "NOT_FOUND", "PRESENT", "PRESENT", "PRESENT"]
    assert [row["features"] and row["features"]["litres"] for row in found] == [0, None, 1, 2, 1]
    assert found[0]["statuses"]["litres_mean"] == "NULL_VALUE" and found[0]["statuses"]["litres"] == "PRESENT"
    assert set(found[0]["statuses"]) == set(PlotCare.features)


def test_several_sets_in_one_question(service, django_assert_num_queries):
    happen(today("a", litres=1), today("b", litres=2))
    refresh("plot", ["a", "b"])
    features = ["plot_care:litres", "plot_harvest@v1", "plot_care@v1:events", "plot_gaps:gap_days"]
    found = ask(service, features=features, entity_ids=["a", "b", "nobody"])["results"]
    care, harvest, gaps = found[1]["sets"]
    assert (care["feature_set"], care["feature_version"], care["features"]) == (
        "plot_care",
        "v1",
        {"events": 1, "litres": 2},
    )
    assert harvest["features"] == {"harvests": 0, "kilograms": 0}
    assert (gaps["features"], gaps["statuses"]) == ({"gap_days": None}, {"gap_days": "NULL_VALUE"})
    assert [row["success"] for row in found] == [True, True, False]
    assert [one["status"] for one in found[2]["sets"]] == ["NOT_FOUND"] * 3
    online([PlotCare, PlotHarvest, PlotGaps, PlotRhythm], ["a", "b"])  # plans the statement
    with django_assert_num_queries(1):
        online([PlotCare, PlotHarvest, PlotGaps, PlotRhythm], ["a", "b"])


def test_features_that_are_picked_are_the_same_stored_and_computed():
    happen(today(litres="0.10"), today(days_ago=3, litres="7"))
    names = ["plot_rhythm:litres_median", "plot_care:litres", "plot_care:first_value", "plot_rhythm:first_harvest"]
    now = [one.values() for one in online(names, ["a"], max_age=timedelta(0))["a"]]
    refresh("plot", ["a"])
    assert [one.values() for one in online(names, ["a"])["a"]] == now
    assert now[1] == {"litres": Decimal("7.10"), "first_value": 7}
    assert now[0]["first_harvest"] is None


def test_a_question_is_about_one_entity():
    with pytest.raises(MixedEntities):
        online([PlotCare, CoreBehavioral], ["a"])
    with pytest.raises(UnknownFeature):
        online(["plot_care@v9:litres"], ["a"])


@pytest.mark.parametrize(
    "body",
    [
        {"features": [], "entity_ids": ["a"]},
        {"features": ["plot_care"], "entity_ids": []},
        {"features": ["plot_care"]},
        {"features": ["nope"], "entity_ids": ["a"]},
        {"features": ["plot_care@v2"], "entity_ids": ["a"]},
        {"features": ["events"], "entity_ids": ["a"]},  # several sets have it
        {"features": ["plot_care", "core_behavioral"], "entity_ids": ["a"]},
        {"features": ["plot_care"] * 501, "entity_ids": ["a"]},
        {"features": ["plot_care"], "entity_ids": ["a"] * 1001},
        {"features": ["plot_care"], "entity_ids": ["a"], "feature_version": "v1"},
        {"features": ["plot_care"], "entity_ids": ["a"], "feature_set": "plot_care"},
        {"features": ["plot_care"], "entity_ids": ["a"], "if_older": "guess"},
        {"features": ["plot_care"], "entity_ids": ["a\x00"]},
        {"feature_type": "plot_care:litres", "entity_id": "a", "feature_version": "v1"},
    ],
)
def test_bad_questions_are_refused(service, body):
    answer = service.post("/api/v1/features/inference", body, format="json")
    assert answer.status_code == 400 and answer["Content-Type"] == "application/problem+json"


def test_a_thousand_entities_are_one_question(service):
    happen(*[today(f"plot-{number}", litres=number) for number in range(500)])
    found = ask(service, feature_set="plot_care", entity_ids=[f"plot-{number}" for number in range(1000)])["results"]
    assert [row["features"] and row["features"]["litres"] for row in found] == [*range(500), *[None] * 500]


def test_a_refusal_names_the_limit_and_the_set(service):
    def told(**question):
        answer = service.post("/api/v1/features/inference", question, format="json")
        return [error["detail"] for error in answer.json()["errors"]]

    assert told(feature_set="plot_care", entity_ids=["x"] * 1_001) == ["At most 1,000 entity_ids in one request."]
    assert told(feature_set="plot_lore", feature_version="v3", entity_ids=["x"]) == [
        "There is no feature set plot_lore@v3."
    ]


# Failures.


def damaged(plot):
    """An event whose payload cannot be read as the features read it; it came past the declaration."""
    RawEvent.objects.create(
        source="t", source_id=f"damaged-{plot}", entity_type="plot", entity_id=plot,
        event_type="garden.watered", event_time=timezone.now(), value=1, payload={"moisture": "damp"},
    )  # fmt: skip
    KnownEntity.objects.get_or_create(entity_type="plot", entity_id=plot)


def test_one_entity_that_cannot_be_computed_does_not_fail_the_others(service):
    happen(*[today(f"plot-{number}") for number in range(20)])
    damaged("plot-7")
    damaged("plot-13")
    asked = [f"plot-{number}" for number in range(20)]
    found = ask(service, features=["plot_care", "plot_harvest"], entity_ids=asked)["results"]
    assert [n for n, row in enumerate(found) if not row["success"]] == [7, 13]
    care, harvest = found[7]["sets"]
    assert care["status"] == "NOT_FOUND" and "damp" in care["error"]
    assert harvest["status"] == "PRESENT"
    assert found[6]["sets"][0]["features"]["events"] == 1


def test_a_stored_value_that_cannot_be_brought_up_to_date_is_not_served_as_present(service):
    happen(today(litres=2))
    refresh("plot", ["a"])
    damaged("a")
    found = ask(service, feature_type="plot_care:litres", entity_id="a", max_age_s=0)
    assert (found["status"], found["success"], found["feature_value"]) == ("OUTSIDE_MAX_AGE", False, None)
    assert "damp" in found["error"]
    assert ask(service, feature_type="plot_care:litres", entity_id="a")["feature_value"] == 2


def test_a_failed_computation_leaves_the_callers_transaction_usable():
    damaged("a")
    with transaction.atomic():
        assert online([PlotCare], ["a"])["a"][0].success is False
        assert RawEvent.objects.count() == 1


# Beside others.


@pytest.mark.django_db(transaction=True)
def test_reads_do_not_wait_for_a_refresh_or_a_writer(service):
    """Another connection holds the entity's lock, its stored values and new events, and does not commit."""
    happen(today("a", litres=1), today("b", litres=2))
    refresh("plot", ["a"])
    holding, done = threading.Event(), threading.Event()

    def hold():
        try:
            with transaction.atomic():
                ingest([today("a", litres=5)], refresh=False)
                refresh("plot", ["a", "b"])
                FeatureValue.objects.select_for_update().count()
                holding.set()
                assert done.wait(20)
        finally:
            connections.close_all()

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert holding.wait(20)
        started = time.monotonic()
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '100ms'")
        found = ask(service, feature_set="plot_care", entity_ids=["a", "b"])["results"]
        fresh = ask(service, feature_set="plot_care", entity_ids=["a", "b"], max_age_s=0)["results"]
        assert time.monotonic() - started < 5
        assert [row["features"]["litres"] for row in found + fresh] == [1, 2, 1, 2]
    finally:
        done.set()
        holder.join()
        with connection.cursor() as cursor:
            cursor.execute("RESET lock_timeout")
    assert ask(service, feature_set="plot_care", entity_ids=["a"])["results"][0]["features"]["litres"] == 6


def test_a_connection_keeps_a_bounded_number_of_statements():
    from base import statements
    from features.engine import prepared

    happen(today(litres=1))
    with connection.cursor() as cursor:
        for number in range(statements.KEPT + 5):
            question = f"SELECT %(entity_ids)s::text[], {number}"
            prepared.execute(cursor, ("test", number), lambda q=question: (q, {}), {"entity_ids": ("text[]", ["a"])})
            assert cursor.fetchone() == (["a"], number)
        cursor.execute("SELECT count(*) FROM pg_prepared_statements")
        assert cursor.fetchone() == (statements.KEPT,)
    assert online([PlotCare], ["a"], max_age=timedelta(0))["a"][0].values()["litres"] == 1
