"""POST /get-online-features answers as Feast's feature server does."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from features.intake.ingest import ingest
from features.models import FeatureValue
from features.values.materialize import refresh
from tests import makers
from tests.makers import harvested, watered

pytestmark = pytest.mark.django_db
NEVER = "1970-01-01T00:00:00Z"
MOMENT = "2026-06-15T12:00:00Z"


@pytest.fixture
def service():
    return makers.client(makers.user("service"))


@pytest.fixture
def garden():
    """`1` was watered, `b` only harvested; their values are as of one known moment."""
    ingest([watered("1", litres="12.50"), harvested("b", kilograms=3)], refresh=False)
    refresh("plot", ["1", "b"])
    FeatureValue.objects.update(as_of=datetime(2026, 6, 15, 12, tzinfo=UTC))


def ask(client, **body):
    return client.post("/api/v1/get-online-features", body, format="json")


def test_the_answer_is_feasts_column_by_column(service, garden):
    answer = ask(
        service,
        features=["plot_care:litres", "plot_care:litres_mean", "plot_harvest:kilograms"],
        entities={"plot": [1, "b", "nobody"]},
    )
    assert answer.status_code == 200
    assert answer.json() == {
        "metadata": {"feature_names": ["plot", "litres", "litres_mean", "kilograms"]},
        "results": [
            {
                "values": [1, "b", "nobody"],
                "statuses": ["PRESENT", "PRESENT", "PRESENT"],
                "event_timestamps": [NEVER, NEVER, NEVER],
            },
            {
                "values": [12.5, 0, None],
                "statuses": ["PRESENT", "PRESENT", "NOT_FOUND"],
                "event_timestamps": [MOMENT, MOMENT, NEVER],
            },
            {
                "values": [12.5, None, None],
                "statuses": ["PRESENT", "NULL_VALUE", "NOT_FOUND"],
                "event_timestamps": [MOMENT, MOMENT, NEVER],
            },
            {
                "values": [0, 3, None],
                "statuses": ["PRESENT", "PRESENT", "NOT_FOUND"],
                "event_timestamps": [MOMENT, MOMENT, NEVER],
            },
        ],
    }
    assert b"12.50" in answer.content


def test_full_names_carry_the_set(service, garden):
    body = {"features": ["plot_care:events", "plot_gaps@v1:events"], "entities": {"plot": ["1"]}}
    assert ask(service, **body).status_code == 400  # two columns would be called `events`
    found = ask(service, **body, full_feature_names=True).json()
    assert found["metadata"]["feature_names"] == ["plot", "plot_care__events", "plot_gaps@v1__events"]


def test_a_value_beyond_its_ttl_is_outside_max_age(service, garden):
    FeatureValue.objects.update(as_of=makers.NOON - timedelta(days=10))
    found = ask(service, features=["plot_rhythm:events_7d"], entities={"plot": ["1"]}).json()["results"][1]
    assert found == {
        "values": [None],
        "statuses": ["OUTSIDE_MAX_AGE"],
        "event_timestamps": ["2026-06-05T12:00:00Z"],
    }


def test_rows_may_have_several_entities(service, garden):
    body = ask(
        service,
        features=["core_behavioral:event_count_7d", "plot_care:litres"],
        entities={"plot": ["b", "1"], "borrower": ["x", "y"]},
    ).json()
    assert body["metadata"]["feature_names"][2:] == ["event_count_7d", "litres"]
    assert [column["values"] for column in body["results"]] == [["b", "1"], ["x", "y"], [None, None], [0, 12.5]]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"features": ["plot_care:litres"]},
        {"features": ["plot_care:litres"], "entities": {}},
        {"features": ["plot_care:litres"], "entities": {"plot": []}},
        {"features": ["plot_care:litres"], "entities": {"plot": "1"}},
        {"features": ["plot_care:litres"], "entities": {"plot": [True]}},
        {"features": ["plot_care:litres"], "entities": {"plot": [1.5]}},
        {"features": ["plot_care:litres"], "entities": {"plot": [None]}},
        {"features": ["plot_care:litres"], "entities": {"plot": [""]}},
        {"features": ["plot_care:litres"], "entities": {"plot": ["x"] * 1001}},
        {"features": ["plot_care:litres"], "entities": {"borrower": ["x"]}},
        {"features": ["plot_care:litres"], "entities": {"plot": ["x"], "borrower": ["x"]}},
        {"features": ["plot_care:litres"], "entities": {"plot": ["x"], "borrower": ["x", "y"]}},
        {"features": ["plot_care:nothing"], "entities": {"plot": ["x"]}},
        {"features": ["nothing:litres"], "entities": {"plot": ["x"]}},
        {"features": ["plot_care"], "entities": {"plot": ["x"]}},
        {"features": [], "entities": {"plot": ["x"]}},
        {"features": ["plot_care:litres"], "entities": {"plot": ["x"]}, "colour": "red"},
    ],
)
def test_bad_questions_are_refused(service, body):
    answer = ask(service, **body)
    assert answer.status_code == 400 and answer["Content-Type"] == "application/problem+json"


def test_a_feature_service_is_refused_with_a_sentence(service):
    answer = ask(service, feature_service="drivers", entities={"plot": ["1"]})
    assert answer.status_code == 400 and "feature services" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/api/v1/get-online-features", "/api/v1/features/inference"])
@pytest.mark.parametrize("body", [None, [], [1], "text", 5, True, {"entities": None, "features": None}])
def test_what_is_not_a_question_at_all_is_refused(service, path, body):
    answer = service.post(path, json.dumps(body), content_type="application/json")
    assert answer.status_code == 400 and answer["Content-Type"] == "application/problem+json"
    assert answer.json()["errors"]
