"""Which recordings have features, over HTTP, and batches for those that have none."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection
from django.utils import timezone

from audit.models import Entry
from recordings.extraction import coverage
from recordings.extraction.services import request_backfill, request_batch_extraction
from recordings.models import MeasurementFeatures, RecordingSession
from recordings.synthetic import tone
from tasks.definitions import periodic_tasks
from tasks.models import Task
from tests import makers
from tests.recordings.extracting import extract, measurement, run, session

STATS, BATCH, ALL = (f"/api/v1/admin/features/{name}" for name in ("stats", "batch-extract", "backfill-all"))
ONE = tone(64, offset=0.1)
pytestmark = pytest.mark.usefixtures("media")
EXTRACT = "recordings.extract_recording_features"


def sessions(number: int) -> list[RecordingSession]:
    """Completed ones with a measurement each, the newest first."""
    made = [measurement(session(), samples=ONE).session for _ in range(number)]
    return made[::-1]


def asked_for() -> list[str]:
    return list(Task.objects.filter(name=EXTRACT).order_by("id").values_list("subject_id", flat=True))


@pytest.fixture
def operator(db):
    return makers.client(makers.user("operator"))


@pytest.mark.django_db
def test_an_empty_database_is_wholly_covered():
    assert coverage.counts() == {
        "total_recordings": 0,
        "recordings_with_features": 0,
        "recordings_without_features": 0,
        "total_measurements": 0,
        "coverage_percent": 100.0,
    }
    assert coverage.due_sessions(50) == []


@pytest.mark.django_db
def test_completed_sessions_with_iq_data_count_and_no_others():
    done, unreadable, half = session(), session(), session()
    measurement(done), measurement(done)
    measurement(unreadable, size_bytes=10**10)
    extract(done), extract(unreadable)
    first = measurement(half)
    extract(half)
    measurement(half)
    (
        session(),
        measurement(session(), iq_data_location=""),
        measurement(session("recording")),
        measurement(session("failed")),
    )
    assert first.features.error == ""
    assert coverage.coverage() == coverage.Coverage(3, 1, 1, measurements=5, measured=3, unreadable=1)
    counts = coverage.counts()
    assert counts == {
        "total_recordings": 3,
        "recordings_with_features": 1,
        "recordings_without_features": 2,
        "total_measurements": 5,
        "coverage_percent": 33.33,
    }
    assert coverage.due_sessions(50) == [str(half.pk)]


@pytest.mark.django_db
def test_a_batch_takes_the_newest_and_keeps_to_its_limits():
    made = sessions(5)
    task = run(request_batch_extraction(batch_size=2, max_batches=2))
    assert task.result == {"total_found": 4, "tasks_queued": 4, "batches": 2}, task.error_traceback
    assert asked_for() == [str(one.pk) for one in made[:4]]
    again = run(request_batch_extraction(batch_size=2, max_batches=2))
    assert again.result["tasks_queued"] == 1 and len(asked_for()) == 5
    assert run(request_batch_extraction()).result == {"total_found": 0, "tasks_queued": 0, "batches": 0}


@pytest.mark.django_db
def test_a_backfill_takes_all_and_a_live_one_is_joined():
    sessions(5)
    first = request_backfill(batch_size=2)
    assert request_backfill(batch_size=2) == first
    assert run(first).result == {"total_found": 5, "tasks_queued": 5, "batches": 3}


@pytest.mark.django_db
def test_a_backfill_stops_at_its_safety_limit(monkeypatch):
    from recordings import tasks

    monkeypatch.setattr(tasks, "MAX_BATCHES", 3)
    sessions(5)
    assert run(request_backfill(batch_size=1, max_batches=1_000)).result["batches"] == 3


@pytest.mark.django_db
def test_every_five_minutes_250_are_asked_for():
    [periodic] = [one for one in periodic_tasks() if one.task.name == "recordings.batch_feature_extraction"]
    assert periodic.rhythm.interval == timedelta(minutes=5)
    assert periodic.kwargs == {"batch_size": 50, "max_batches": 5}


@pytest.mark.django_db
def test_a_recording_that_failed_waits_an_hour_then_two():
    [one] = sessions(1)
    ended = {"status": "failed", "subject_type": "recording_session", "subject_id": str(one.pk), "name": EXTRACT}
    Task.objects.create(**ended, completed_at=timezone.now() - timedelta(minutes=59))
    assert coverage.due_sessions(5) == []
    Task.objects.update(completed_at=timezone.now() - timedelta(minutes=61))
    assert coverage.due_sessions(5) == [str(one.pk)]
    Task.objects.create(**ended, completed_at=timezone.now() - timedelta(minutes=61))
    assert coverage.due_sessions(5) == []
    Task.objects.update(completed_at=timezone.now() - timedelta(minutes=121))
    assert coverage.count_due() == 1


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_ask_for_each_recording_once():
    sessions(30)
    runs = [request_batch_extraction(batch_size=3, max_batches=20) for _ in range(2)]
    results, together = [], Barrier(2)

    def work(task_id):
        together.wait()
        results.append(run(task_id).result)
        connection.close()

    threads = [Thread(target=work, args=[task_id]) for task_id in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(asked_for()) == len(set(asked_for())) == 30
    assert sum(result["tasks_queued"] for result in results) == 30


@pytest.mark.django_db
def test_stats_tell_of_recordings_in_the_documents_keys(operator):
    done = sessions(3)[0]
    extract(done)
    told = {
        "total_recordings": 3,
        "recordings_with_features": 1,
        "recordings_without_features": 2,
        "total_measurements": 3,
        "coverage_percent": 33.33,
    }
    assert operator.get(f"{STATS}?of=recordings").json() == told
    whole = operator.get(STATS).json()
    assert whole["extractions"] == {"recordings": told}
    assert {key: whole[key] for key in told if key != "coverage_percent"} == {
        key: value for key, value in told.items() if key != "coverage_percent"
    }
    assert whole["total_entities"] >= whole["entities_with_features"]  # and coverage_percent is theirs
    alone = operator.get(f"{STATS}?of=features").json()
    assert "total_recordings" not in alone and "total_entities" in alone
    assert operator.get(f"{STATS}?of=weather").status_code == 400


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("url", "task", "sizes", "action"),
    [
        (BATCH, "recordings.batch_feature_extraction", (50, 5), "recording_batch_requested"),
        (ALL, "recordings.backfill_all_features", (50, 1_000), "recording_backfill_requested"),
    ],
)
def test_a_batch_and_a_backfill_start_over_http(operator, url, task, sizes, action):
    sessions(2)
    answer = operator.post(url, {"of": "recordings"}, format="json")
    assert answer.status_code == 202 and set(answer.json()) == {"task_id", "message", "status"}
    assert answer["Location"].endswith(answer.json()["task_id"])
    row = Task.objects.get(pk=answer.json()["task_id"])
    assert (row.name, row.kwargs) == (task, {"batch_size": sizes[0], "max_batches": sizes[1]})
    assert Entry.objects.get(action=action).entity_id == str(row.pk)
    assert run(row.pk).result["tasks_queued"] == 2
    for task_id in Task.objects.filter(name=EXTRACT).values_list("pk", flat=True):
        run(task_id)
    assert MeasurementFeatures.objects.count() == 2
    both = operator.post(url, {"batch_size": 7, "max_batches": 1}, format="json").json()
    assert both["tasks"]["features"] == both["task_id"] and both["tasks"]["recordings"] != both["task_id"]
    assert operator.post(url, {"of": "weather"}, format="json").status_code == 400
    assert operator.post(url, {"batch_size": 0}, format="json").status_code == 400


@pytest.mark.django_db
def test_only_operators_start_and_analysts_look():
    analyst = makers.client(makers.user("analyst"))
    assert analyst.get(f"{STATS}?of=recordings").status_code == 200
    assert analyst.post(BATCH, {"of": "recordings"}, format="json").status_code == 403
