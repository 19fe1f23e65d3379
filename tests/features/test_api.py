"""The feature store over HTTP: events in, features out, coverage and batches."""

import json

import pytest
from django.core.management import call_command

from features.models import RawEvent
from features.values.materialize import refresh
from tasks.models import Task
from tests import makers

pytestmark = pytest.mark.django_db
EVENT = {
    "specversion": "1.0",
    "id": "1",
    "source": "/garden/1",
    "type": "garden.watered",
    "subject": "plot-a",
    "time": "2026-01-01T10:00:00Z",
    "data": {"litres": "12.50"},
}


@pytest.fixture
def service():
    return makers.client(makers.user("service"))


@pytest.fixture
def operator():
    return makers.client(makers.user("operator"))


def send(client, body, content_type="application/cloudevents+json", **headers):
    return client.post("/api/v1/events/", json.dumps(body), content_type=content_type, headers=headers)


def test_an_event_is_accepted_once_however_often_it_is_sent(service):
    first, second = send(service, EVENT), send(service, EVENT)
    assert first.status_code == second.status_code == 202
    assert (first.json()["added"], second.json()["added"]) == (1, 0)
    assert first["Location"] == f"/api/v1/tasks/{first.json()['task_ids'][0]}"
    event = RawEvent.objects.get()
    assert str(event.value) == "12.50" and event.payload == {"litres": "12.50"}


def test_of_a_batch_the_good_events_are_stored_and_each_other_gets_its_verdict(service):
    batch = [EVENT | {"id": str(number)} for number in range(3)]
    assert send(service, batch, "application/cloudevents-batch+json").json()["verdicts"] == []
    batch[1] = batch[1] | {"id": "new", "data": {"litres": "a lot"}}
    answer = send(service, [*batch, EVENT | {"id": "other"}, 5, EVENT | {"id": "other"}])
    body = answer.json()
    assert answer.status_code == 202
    assert (body["accepted"], body["added"], body["rejected"]) == (4, 1, 2)
    litres = {"pointer": "#/1/data/litres", "detail": "litres must be a number."}
    assert body["verdicts"] == [
        {"index": 0, "id": "0", "verdict": "known"},
        {"index": 1, "id": "new", "verdict": "rejected", "errors": [litres]},
        {"index": 2, "id": "2", "verdict": "known"},
        {"index": 4, "id": None, "verdict": "rejected",
         "errors": [{"pointer": "#/4", "detail": "A CloudEvent is a JSON object."}]},
        {"index": 5, "id": "other", "verdict": "known"},
    ]  # fmt: skip
    assert RawEvent.objects.count() == 4


def test_verdicts_of_all_events_are_given_when_asked_for(service):
    answer = service.post("/api/v1/events/?verdicts=all", [EVENT, EVENT | {"id": "2"}], format="json")
    assert [(v["id"], v["verdict"]) for v in answer.json()["verdicts"]] == [("1", "added"), ("2", "added")]
    for question in ("verdicts=some", "verdict=all"):
        assert service.post(f"/api/v1/events/?{question}", [EVENT], format="json").status_code == 400


def test_a_batch_of_which_nothing_can_be_stored_is_refused_with_pointers(service):
    answer = send(service, [EVENT | {"id": ""}, EVENT | {"data": {"litres": True}}])
    assert answer.status_code == 422 and answer["Content-Type"] == "application/problem+json"
    assert [error["pointer"] for error in answer.json()["errors"]] == ["#/0/id", "#/1/data/litres"]


def test_ten_thousand_events_fit_into_one_request_and_no_more(service):
    batch = [EVENT | {"id": str(number), "subject": f"plot-{number % 700}"} for number in range(10_000)]
    assert send(service, batch).json()["added"] == 10_000
    assert send(service, [*batch, EVENT]).status_code == 400


def test_the_binary_mode_takes_its_attributes_from_headers(service):
    headers = {f"ce-{name}": value for name, value in EVENT.items() if name != "data"}
    answer = send(service, EVENT["data"], "application/json", **headers)
    assert answer.status_code == 202 and RawEvent.objects.get().source_id == "1"


@pytest.mark.parametrize(
    "change",
    [
        {"specversion": "0.3"},
        {"specversion": None},
        {"id": ""},
        {"id": 5},
        {"id": "x" * 201},
        {"source": None},
        {"type": "garden.burned"},
        {"subject": None},
        {"time": "yesterday"},
        {"time": "2026-01-01T10:00:00"},
        {"time": "1999-12-31T23:59:59Z"},
        {"time": "2199-01-01T00:00:00Z"},
        {"time": "2026-02-30T00:00:00Z"},
        {"data": []},
        {"data": {}},
        {"data": {"litres": "NaN"}},
        {"data": {"litres": True}},
        {"data": {"litres": 10**15}},
        {"data": {"litres": "1e-30"}},
        {"data": {"litres": 1, "moisture": "damp"}},
        {"datacontenttype": "text/plain"},
        {"data_base64": "AAAA"},
        {"Upper": "x"},
    ],
)
def test_what_is_not_a_proper_event_is_refused(service, change):
    answer = send(service, EVENT | change)
    assert answer.status_code == 400 and answer["Content-Type"] == "application/problem+json"
    assert not RawEvent.objects.exists()


@pytest.mark.parametrize(("body", "status"), [("text", 400), (5, 400), (None, 400), ([5], 422), ([[]], 422)])
def test_what_is_not_an_event_at_all_is_refused(service, body, status):
    assert send(service, body).status_code == status


def test_discovery_describes_every_feature_with_the_documents_keys(service):
    found = {row["feature_type"]: row for row in service.get("/api/v1/features/discovery").json()}
    assert {"feature_type", "name", "description", "entity_type", "data_type", "created_at"} <= set(found["litres_30d"])
    assert found["litres_30d"]["window_s"] == 30 * 86_400 and found["litres_30d"]["unit"] == "l"
    assert found["event_count_30d"]["feature_set"] == "core_behavioral"


def test_inference_has_the_documents_keys(service):
    send(service, EVENT)
    refresh("plot", ["plot-a"])
    answer = service.post(
        "/api/v1/features/inference", {"feature_type": "plot_care:litres", "entity_id": "plot-a"}, format="json"
    )
    body = answer.json()
    assert {"feature_type", "entity_id", "feature_value", "computed_at", "success"} <= set(body)
    assert body["feature_value"] == 12.5 and body["success"] is True
    assert b'"feature_value":12.50' in answer.content  # the exact decimal, as it was sent


def test_inference_of_an_unknown_entity_says_so(service):
    body = service.post(
        "/api/v1/features/inference", {"feature_type": "plot_care:litres", "entity_id": "nowhere"}, format="json"
    ).json()
    assert body["success"] is False and body["feature_value"] is None and body["error"]


def test_inference_of_a_set_for_many_entities(service):
    send(service, EVENT)
    refresh("plot", ["plot-a"])
    body = service.post(
        "/api/v1/features/inference",
        {"feature_set": "plot_care", "feature_version": "v1", "entity_ids": ["plot-a", "nowhere"]},
        format="json",
    ).json()
    assert [row["success"] for row in body["results"]] == [True, False]
    assert body["results"][0]["features"]["litres"] == 12.5


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"feature_type": "litres"},
        {"feature_type": "nothing", "entity_id": "a"},
        {"feature_type": "nope:litres", "entity_id": "a"},
        {"feature_set": "plot_care", "entity_ids": []},
        {"feature_set": "plot_care", "entity_ids": ["x"] * 1001},
        {"feature_set": "nope", "entity_ids": ["x"]},
        {"feature_set": "plot_care", "entity_ids": ["x"], "feature_type": "litres"},
        {"feature_set": "plot_care", "entity_ids": ["x"], "max_age_s": -1},
        {"feature_set": "plot_care", "entity_ids": ["x"], "colour": "red"},
    ],
)
def test_bad_questions_are_refused(service, body):
    assert service.post("/api/v1/features/inference", body, format="json").status_code == 400


def test_stats_and_batches(service, operator):
    send(service, [EVENT | {"id": str(n), "subject": f"plot-{n}"} for n in range(7)])
    refresh("plot", ["plot-0", "plot-1"])
    before = operator.get("/api/v1/admin/features/stats").json()
    care = next(row for row in before["feature_sets"] if row["feature_set"] == "plot_care")
    assert (care["total"], care["with_features"], care["without_features"]) == (7, 2, 5)
    assert care["coverage_percent"] == 28.57
    for path in ("batch-extract", "backfill-all"):
        answer = operator.post(f"/api/v1/admin/features/{path}", {"batch_size": 2}, format="json")
        assert answer.status_code == 202 and {"task_id", "message", "status"} <= set(answer.json())
        assert answer["Location"].endswith(answer.json()["task_id"])
    again = operator.post("/api/v1/admin/features/backfill-all", {}, format="json")
    assert again.json() == answer.json() and "backfill_id" in again.json()
    assert operator.post("/api/v1/admin/features/batch-extract").status_code == 202
    assert operator.post("/api/v1/admin/features/batch-extract", {"batch_size": 0}, format="json").status_code == 400


def test_a_batch_respects_its_limits(service):
    from tasks.execution import run_task

    send(service, [EVENT | {"id": str(n), "subject": f"plot-{n}"} for n in range(7)])
    from features.services import request_batch_extraction

    task_id = request_batch_extraction(batch_size=2, max_batches=2)
    run_task(task_id)
    task = Task.objects.get(pk=task_id)
    assert task.status == "completed", task.error_traceback
    assert task.result["entities"] == 4 and task.result["batches"] == 2


def test_the_backfill_command_covers_everything_and_is_resumable(service, capsys):
    send(service, [EVENT | {"id": str(n), "subject": f"plot-{n}"} for n in range(7)])
    call_command("backfill_features", "--dry-run", "--entity", "plot")
    assert "plot: 7 entities would be computed from 7 events in 1 batches" in capsys.readouterr().out
    call_command("backfill_features", "--entity", "plot", "--batch-size", "2", "--max-batches", "1")
    assert "plot: 2 entities" in capsys.readouterr().out
    call_command("backfill_features", "--entity", "plot", "--batch-size", "3")
    assert "plot: 5 entities" in (out := capsys.readouterr().out) and "coverage 100.0 %" in out
