"""Values as of past moments over HTTP: single ones with partial success, and rows."""

import json
from datetime import timedelta

import pytest

from features.intake.ingest import ingest
from features.models import FeatureValue
from features.values.coverage import count_waiting
from features.views.training import Extract
from tasks.models import Task
from tests import makers
from tests.features.test_exactness import _break_payload
from tests.makers import NOON, harvested, watered

pytestmark = pytest.mark.django_db
URL = "/api/v1/features/training"


@pytest.fixture
def analyst():
    return makers.client(makers.user("analyst"))


@pytest.fixture
def operator():
    return makers.client(makers.user("operator"))


def at(moment):
    return moment.isoformat()


def test_the_documents_shape_continues_over_what_fails(analyst):
    ingest([watered("a", days_ago=2, litres="12.50"), watered("b", days_ago=1)], refresh=False)
    asked = [
        {"feature_type": "plot_care:litres", "entity_id": "a"},
        {"feature_type": "plot_care:litres", "entity_id": "a", "timestamp": at(NOON - timedelta(days=3))},
        {"feature_type": "nothing", "entity_id": "a"},
        {"feature_type": "plot_care:waterings_7d", "entity_id": "b", "timestamp": at(NOON)},
        {"feature_type": "plot_care:litres", "entity_id": "nowhere"},
    ]
    answer = analyst.post(URL, {"features": asked}, format="json")
    body = answer.json()
    assert set(body) == {"results", "total_requested", "total_successful"}
    assert (body["total_requested"], body["total_successful"]) == (5, 2)
    assert [row["feature_value"] for row in body["results"]] == [12.5, None, None, 1, None]
    assert [row["success"] for row in body["results"]] == [True, False, False, True, False]
    assert all(("error" in row) != row["success"] for row in body["results"])
    assert list(body["results"][0])[:5] == ["feature_type", "entity_id", "feature_value", "computed_at", "success"]
    assert b'"feature_value":12.50' in answer.content


def test_an_entity_that_cannot_be_computed_fails_alone(analyst):
    bad = watered("bad", days_ago=1)
    bad.data["moisture"] = "12"
    ingest([watered("good", days_ago=1), bad], refresh=False)
    _break_payload("bad")
    asked = [{"feature_type": "plot_care:litres", "entity_id": plot} for plot in ("good", "bad", "good")]
    body = analyst.post(URL, {"features": asked}, format="json").json()
    assert [row["success"] for row in body["results"]] == [True, False, True]
    assert "numeric" in body["results"][1]["error"]


def test_rows_have_every_feature_as_of_their_time(analyst):
    ingest([watered(days_ago=8, litres=3), watered(days_ago=1, litres=4), harvested(days_ago=1)], refresh=False)
    rows = [{"entity_id": "a", "timestamp": at(NOON - timedelta(days=days))} for days in (0, 5, 30, 0)]
    body = analyst.post(
        URL, {"entity_rows": rows, "features": ["plot_care:litres", "plot_harvest@v1"]}, format="json"
    ).json()
    assert body["features"] == ["plot_care@v1:litres", "plot_harvest@v1:harvests", "plot_harvest@v1:kilograms"]
    assert [list(row["features"].values()) for row in body["rows"]] == [[7, 1, 2], [3, 0, 0], [0, 0, 0], [7, 1, 2]]
    assert body["total_successful"] == 4


def test_what_was_recorded_later_is_left_out_on_demand(analyst):
    ingest([watered(days_ago=8, litres=3)], refresh=False)
    asked = {"entity_rows": [{"entity_id": "a", "timestamp": at(NOON)}], "features": ["plot_care:litres"]}
    for known_at, litres in ((at(NOON - timedelta(days=365)), 0), ("2199-01-01T00:00:00Z", 3)):
        body = analyst.post(URL, asked | {"known_at": known_at}, format="json").json()
        assert body["rows"][0]["features"] == {"plot_care@v1:litres": litres}


ROW = {"entity_id": "a", "timestamp": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"features": []},
        {"features": ["plot_care"]},
        {"features": [{"feature_type": "litres"}]},
        {"features": [{"feature_type": "litres", "entity_id": "a", "colour": "red"}]},
        {"features": [{"feature_type": "litres", "entity_id": "a", "timestamp": "2026-01-01T00:00:00"}]},
        {"features": [{"feature_type": "litres", "entity_id": "a", "timestamp": "9999-12-31T23:59:59-23:00"}]},
        {"entity_rows": [], "features": ["plot_care"]},
        {"entity_rows": [ROW]},
        {"entity_rows": [ROW], "features": ["plot_care:nothing"]},
        {"entity_rows": [ROW], "features": ["plot_care", "core_behavioral"]},
        {"entity_rows": [{"entity_id": "a"}], "features": ["plot_care"]},
        {"entity_rows": [ROW], "features": ["plot_care"], "known_at": 5},
        {"entity_rows": 5, "features": ["plot_care"]},
        [1],
    ],
)
def test_bad_questions_are_refused(analyst, body):
    answer = analyst.post(URL, json.dumps(body), content_type="application/json")
    assert answer.status_code == 400 and answer["Content-Type"] == "application/problem+json"


def test_more_rows_than_an_answer_holds_are_sent_to_datasets(analyst):
    answer = analyst.post(URL, {"entity_rows": [ROW] * 10_001, "features": ["plot_care"]}, format="json")
    assert answer.status_code == 422 and "dataset" in answer.json()["detail"]


def test_extraction_does_what_waits_and_says_how_much(operator):
    ingest([watered(f"plot-{number}") for number in range(7)], refresh=False)
    body = operator.post("/api/v1/features/extract").json()
    assert set(body) == {"message", "features_extracted", "total_features"}
    assert body["features_extracted"]["heavy_litres"] == 7
    assert body["total_features"] == sum(body["features_extracted"].values())
    assert count_waiting("plot") == 0
    assert operator.post("/api/v1/features/extract").json()["total_features"] == 0


def test_extraction_leaves_to_a_task_what_takes_longer(operator, monkeypatch):
    monkeypatch.setattr(Extract, "batch_size", 2)
    monkeypatch.setattr(Extract, "seconds", 0)
    ingest([watered(f"plot-{number}") for number in range(7)], refresh=False)
    answer = operator.post("/api/v1/features/extract")
    assert answer.status_code == 200 and answer.json()["features_extracted"]["heavy_litres"] == 2
    assert answer["Location"].endswith(answer.json()["task_id"])
    assert FeatureValue.objects.values("entity_id").distinct().count() == 2
    assert Task.objects.get(pk=answer.json()["task_id"]).name == "features.work_on_backfill"
