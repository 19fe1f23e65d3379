"""Starts and ends of runs, and definitions, are told as OpenLineage; off by default, and never in the way."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from jsonschema import ValidationError

from features import tasks
from features.intake.ingest import ingest
from features.lineage import emission
from features.lineage.openlineage import definition_event, run_event
from features.models import FeatureValue
from features.services import request_backfill
from tasks.definitions import PermanentError, TemporaryError
from tasks.execution import run_task
from tasks.models import Status, Task
from tests.features.openlineage import check
from tests.garden.features import PlotCare, PlotHarvest, PlotRows
from tests.makers import watered
from tests.processes import eventually
from tests.tasks.receiver import receiving

pytestmark = pytest.mark.django_db


@pytest.fixture
def told(settings, tmp_path):
    """The events in the file they are told to, oldest first."""
    file = tmp_path / "lineage.jsonl"
    settings.OPENLINEAGE_URL = file.as_uri()

    def events() -> list[dict]:
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    return events


def run_what_is_due() -> None:
    """The tellings that a worker would find now, in its order."""
    waiting = Task.objects.filter(name="features.tell_lineage", status=Status.PENDING).order_by("run_after")
    while due := waiting.filter(run_after__lte=timezone.now()).first():
        run_task(str(due.pk))


def tellings() -> list[tuple[bool, str]]:
    rows = Task.objects.filter(name="features.tell_lineage").order_by("id")
    return [(row.kwargs["ended"], row.status) for row in rows]


def columns(event: dict, feature_set: str, feature: str) -> set[tuple[str, str, str]]:
    [output] = [each for each in event["outputs"] if each["name"] == f"model_features/{feature_set}"]
    fields = output["facets"]["columnLineage"]["fields"][feature]["inputFields"]
    return {
        (each["name"].rpartition(".")[2], each["field"], how["subtype"])
        for each in fields
        for how in each["transformations"]
    }


def test_nothing_is_told_unless_somebody_is_to_be_told():
    ingest([watered()])
    run_task(str(Task.objects.get(name="features.refresh_stale").pk))
    assert tellings() == []


def test_a_run_tells_its_start_and_its_end(told):
    ingest([watered()])
    task = Task.objects.get(name="features.refresh_stale")
    run_task(str(task.pk))
    run_what_is_due()
    task.refresh_from_db()
    start, end = told()
    assert (start["eventType"], end["eventType"]) == ("START", "COMPLETE")
    assert start["run"]["runId"] == end["run"]["runId"] == str(task.pk)
    assert end["job"]["namespace"] == "millrace" and end["job"]["name"] == "features.refresh_stale"
    assert end["eventTime"] == task.completed_at.isoformat().replace("+00:00", "Z")
    assert [each["name"].rpartition(".")[2] for each in end["inputs"]] == ["raw_events"]
    sets = {each["name"] for each in end["outputs"]}
    assert "model_features/plot_care@v1" in sets and "model_features/core_behavioral@v1" not in sets
    for event in told():
        check(event)


@pytest.mark.parametrize("asked", ["extraction", "backfill"])
def test_extractions_and_backfills_tell_of_every_set(told, asked):
    ingest([watered()], refresh=False)
    if asked == "extraction":
        task_id = tasks.batch_feature_extraction.enqueue().id
    else:
        request_backfill()
        task_id = str(Task.objects.get(name="features.work_on_backfill").pk)
    run_task(task_id)
    run_what_is_due()
    assert [event["eventType"] for event in told()] == ["START", "COMPLETE"]
    assert {"model_features/plot_care@v1", "model_features/core_behavioral@v1"} <= {
        each["name"] for each in told()[1]["outputs"]
    }


def test_an_export_tells_of_the_files(told, settings, tmp_path):
    settings.EXPORT_URL = str(tmp_path / "offline")
    task = Task.objects.create(name="features.export_events", queue_name="low", started_at=timezone.now())
    task.refresh_from_db()
    event = run_event(task, ended=False)
    check(event)
    [output] = event["outputs"]
    assert (output["namespace"], output["name"]) == ("file", str(tmp_path / "offline/events"))
    fields = output["facets"]["columnLineage"]["fields"]
    assert fields["payload"]["inputFields"][0]["transformations"][0]["subtype"] == "IDENTITY"
    assert set(fields) == {field["name"] for field in event["inputs"][0]["facets"]["schema"]["fields"]}
    settings.EXPORT_URL = "s3://bucket/store/"
    [output] = run_event(task, ended=False)["outputs"]
    assert (output["namespace"], output["name"]) == ("s3://bucket", "store/events")


def test_a_run_that_fails_says_why(told, monkeypatch):
    monkeypatch.setattr("features.values.extraction.extract", lambda *_, **__: 1 / 0)
    task_id = tasks.batch_feature_extraction.using(max_attempts=1).enqueue().id
    run_task(task_id)
    run_what_is_due()
    start, end = told()
    assert start["eventType"] == "START" and end["eventType"] == "FAIL"
    assert "ZeroDivisionError" in end["run"]["facets"]["errorMessage"]["message"]
    check(end)


def test_a_run_of_several_attempts_is_one_run(told, monkeypatch):
    monkeypatch.setattr("features.values.extraction.extract", lambda *_, **__: 1 / 0)
    task_id = tasks.batch_feature_extraction.using(max_attempts=2, backoff_initial_s=0).enqueue().id
    run_task(task_id)
    run_what_is_due()
    assert [event["eventType"] for event in told()] == ["START"]
    Task.objects.filter(pk=task_id).update(run_after=timezone.now())
    run_task(task_id)
    run_what_is_due()
    assert [event["eventType"] for event in told()] == ["START", "FAIL"]


def test_a_run_that_is_cancelled_is_told_as_aborted(told):
    task_id = tasks.batch_feature_extraction.enqueue().id
    emission.tell(task_id, by=tasks.tell_lineage)
    Task.objects.filter(pk=task_id).update(status=Status.CANCELLED, completed_at=timezone.now())
    run_what_is_due()
    assert [event["eventType"] for event in told()] == ["START", "ABORT"]


def test_the_end_is_due_with_the_commit_of_the_end(told):
    task_id = tasks.batch_feature_extraction.enqueue().id
    emission.tell(task_id, by=tasks.tell_lineage)
    waiting = Task.objects.get(unique_key=f"lineage:{task_id}")
    assert waiting.run_after > timezone.now() + timedelta(hours=5)
    Task.objects.filter(pk=task_id).update(status=Status.CANCELLED, completed_at=timezone.now())
    waiting.refresh_from_db()
    assert waiting.run_after <= timezone.now()


def test_an_end_that_is_looked_for_too_early_is_looked_for_again(told):
    task_id = tasks.batch_feature_extraction.enqueue().id
    with pytest.raises(TemporaryError) as caught:
        emission.send(task_id=task_id, ended=True)
    assert caught.value.retry_after_s == 3_600 and told() == []


def test_a_backend_that_is_away_holds_up_no_work(settings):
    settings.OPENLINEAGE_URL = "http://127.0.0.1:9"
    ingest([watered()])
    run_task(str(Task.objects.get(name="features.refresh_stale").pk))
    assert FeatureValue.objects.filter(entity_id="a").exists()
    assert tellings() == [(False, "pending"), (True, "pending")]
    first = Task.objects.filter(name="features.tell_lineage").earliest("id")
    run_task(str(first.pk))
    first.refresh_from_db()
    assert first.status == Status.PENDING and "did not answer" in first.error_message


def test_events_are_posted_with_the_key(settings):
    with receiving() as receiver:
        settings.OPENLINEAGE_URL, settings.OPENLINEAGE_API_KEY = receiver.url.rsplit("/", 1)[0], "a key"
        event = definition_event(PlotCare, now=timezone.now())
        emission.deliver(event)
        [(path, headers, body)] = receiver.received
    assert path == "/api/v1/lineage" and headers["authorization"] == "Bearer a key"
    assert headers["content-type"] == "application/json" and json.loads(body) == event


@pytest.mark.parametrize(
    ("status", "error"), [(503, TemporaryError), (429, TemporaryError), (400, PermanentError), (302, PermanentError)]
)
def test_what_a_backend_answers_decides_whether_it_is_tried_again(settings, status, error):
    with receiving() as receiver:
        receiver.status = status
        settings.OPENLINEAGE_URL = receiver.url.rsplit("/", 1)[0]
        with pytest.raises(error, match=str(status)):
            emission.deliver({})


def test_definitions_say_which_columns_they_read():
    event = definition_event(PlotCare, PlotHarvest, PlotRows, now=timezone.now())
    check(event)
    assert columns(event, "plot_care@v1", "litres_30d") == {
        ("raw_events", "value", "AGGREGATION"),
        ("raw_events", "event_type", "FILTER"),
        ("raw_events", "event_time", "FILTER"),
        ("raw_events", "entity_id", "GROUP_BY"),
        ("raw_events", "entity_type", "GROUP_BY"),
    }
    assert ("raw_events", "payload", "AGGREGATION") in columns(event, "plot_care@v1", "moisture_last")
    assert ("raw_events", "value", "AGGREGATION") in columns(event, "plot_rows@v1", "doubled")
    assert ("raw_events", "payload", "AGGREGATION") in columns(event, "plot_rows@v1", "moist_events")
    assert ("raw_events", "value", "AGGREGATION") not in columns(event, "plot_care@v1", "events")
    [table] = event["inputs"]
    database = connection.settings_dict
    assert table["namespace"] == f"postgres://{database['HOST']}:{database['PORT']}"
    assert {"name": "event_time", "type": "timestamp with time zone"} in table["facets"]["schema"]["fields"]
    assert database["PASSWORD"] not in json.dumps(event)


def test_the_schema_of_the_tests_refuses_what_it_should():
    event = definition_event(PlotCare, now=timezone.now())
    for broken in (event | {"run": {}}, {k: v for k, v in event.items() if k != "job"}, event | {"eventTime": "now"}):
        with pytest.raises(ValidationError):
            check(broken)


def test_the_command_prints_one_set_or_all():
    out = StringIO()
    call_command("emit_lineage", feature_set="plot_care", stdout=out)
    event = json.loads(out.getvalue())
    check(event)
    assert event["job"]["name"] == "plot_care@v1"
    out = StringIO()
    call_command("emit_lineage", stdout=out)
    names = [json.loads(line)["job"]["name"] for line in out.getvalue().splitlines()]
    assert {"plot_care@v1", "core_behavioral@v1"} <= set(names)
    with pytest.raises(CommandError, match="no feature set"):
        call_command("emit_lineage", feature_set="nothing")


def test_a_start_is_told_from_its_rows():
    task = Task.objects.create(name="features.batch_feature_extraction", queue_name="low", started_at=timezone.now())
    task.refresh_from_db()
    check(run_event(task, ended=False))


@pytest.mark.django_db(transaction=True)
def test_workers_tell_of_a_run(processes, tmp_path: Path):
    """Real processes: a worker runs it, the relay wakes one for what the trigger lets go, and the file has both."""
    file = tmp_path / "lineage.jsonl"
    environment = {"OPENLINEAGE_URL": file.as_uri()}
    processes.worker(**environment)
    processes.scheduler()
    ingest([watered()])
    run_id = str(Task.objects.get(name="features.refresh_stale").pk)

    def told_of() -> list[str]:
        """Periodic runs are in the file too."""
        events = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
        return sorted(event["eventType"] for event in events if event["run"]["runId"] == run_id)

    eventually(lambda: told_of() == ["COMPLETE", "START"], log=processes.log)
