"""New reports are classified once, in batches; what fails waits, and holds up nothing else."""

import json
import threading

import numpy as np
import pytest
from django.db import connection, transaction
from django.db.models.functions import Now

from base.artifacts import ArtifactError
from reports import processing
from reports.classification import artifact, corrections, published, work
from reports.classification.linear import LinearModel
from reports.filing.services import correct_report, file_report
from reports.models import Classification, Report, ReviewItem, Waiting
from tests import makers
from tests.processes import eventually
from tests.reports.conftest import POTHOLE

HOLE = POTHOLE | {"title": "Deep pothole", "description": "A pothole in the asphalt."}
VAGUE = POTHOLE | {"title": "Hello", "description": "Qwertz."}


@pytest.fixture(autouse=True)
def tiny(tmp_path, settings):
    """A classifier that knows two words, where every process of the test finds it."""
    model = LinearModel(
        ("graffiti", "road_surface"), ("graffiti", "pothole"), np.ones(2, np.float32),
        np.array([[3, -3], [-3, 3]], np.float32), np.zeros(2, np.float32), 1.0, np.zeros(2, np.float32),
    )  # fmt: skip
    urgency = np.array([0.5, 0, 0], np.float32)
    numbers = artifact.packed(model, urgency)
    about = {
        "version": "tiny",
        "threshold": 0.9,
        "certainty": {"said": [0, 1], "right": [0, 1]},
        "urgency": {"scores": [0, 1], "shares": [0, 1]},
    }
    path = tmp_path / "tiny.json"
    path.write_text(json.dumps(artifact.described(about, model, numbers)))
    path.with_suffix(".npz").write_bytes(numbers)
    settings.REPORT_CLASSIFIER = str(path)
    yield path
    published._loaded.cache_clear()


@pytest.fixture
def resident(db):
    return makers.user(reputation=20)


def due():
    Waiting.objects.update(due_at=Now())


def test_a_sure_guess_sets_the_category_and_an_unsure_one_asks_a_person(resident):
    sure, vague = file_report(by=resident, **HOLE), file_report(by=resident, **VAGUE)
    assert processing.process_waiting() == 2 and not Waiting.objects.exists()
    sure.refresh_from_db()
    vague.refresh_from_db()
    assert (sure.category_id, sure.department_id, vague.category_id) == ("road_surface", "public_works", None)
    said = sure.classifications.get()
    assert said.chosen and said.probability > 0.99 and said.words[0][0] == "pothole" and said.model_version == "tiny"
    assert [item.report_id for item in ReviewItem.objects.filter(why__contains=["low_confidence"])] == [vague.pk]
    assert vague.classifications.get().category_id == "other"


def test_what_a_resident_says_stays_and_a_sure_disagreement_is_reviewed(resident):
    report = file_report(by=resident, **HOLE, category="graffiti")
    processing.process_waiting()
    report.refresh_from_db()
    assert report.category_id == "graffiti" and report.severity == "high"
    assert report.reviews.get().details["low_confidence"]["category"] == "road_surface"


def test_a_corrected_text_is_guessed_anew_unless_a_person_has_decided(resident):
    first, second = file_report(by=resident, **HOLE), file_report(by=resident, **HOLE)
    processing.process_waiting()
    corrections.record(report=second, category="road_surface", by=resident)
    for report in (first, second):
        correct_report(report_id=report.pk, changes={"title": "Tags", "description": "graffiti everywhere"})
    processing.process_waiting()
    assert list(Report.objects.order_by("pk").values_list("category_id", flat=True)) == ["graffiti", "road_surface"]
    assert Classification.objects.count() == 4


def test_a_report_that_fails_holds_up_no_other_and_comes_to_a_person_in_the_end(resident, monkeypatch):
    good, bad = file_report(by=resident, **HOLE), file_report(by=resident, **VAGUE)
    classify = work.classify_reports

    def failing(reports):
        if any(report.pk == bad.pk for report in reports):
            raise ValueError("no words for it")
        return classify(reports)

    monkeypatch.setattr(processing, "classify_reports", failing)
    processing.process_waiting()
    row = Waiting.objects.get()
    assert (row.report_id, row.attempts, row.error) == (bad.pk, 1, "ValueError: no words for it")
    assert good.classifications.exists() and processing.process_waiting() == 0  # it waits its turn
    for _ in processing.WAITS:
        due()
        processing.process_waiting()
    assert not Waiting.objects.exists() and bad.reviews.get().details["flagged"]["error"].startswith("ValueError")


def test_without_a_classifier_everything_waits(resident, settings):
    settings.REPORT_CLASSIFIER = "/nowhere.json"
    file_report(by=resident, **HOLE)
    with pytest.raises(ArtifactError):
        processing.process_waiting()
    assert Waiting.objects.get().attempts == 0


@pytest.mark.django_db(transaction=True)
def test_what_another_worker_holds_is_left_to_it_and_each_report_is_classified_once():
    resident = makers.user(reputation=20)
    reports = [file_report(by=resident, **HOLE) for _ in range(4)]
    taken, go_on = threading.Event(), threading.Event()

    def hold():
        with transaction.atomic():
            list(Waiting.objects.select_for_update().order_by("pk")[:2])
            taken.set()
            go_on.wait(20)
        connection.close()

    other = threading.Thread(target=hold)
    other.start()
    taken.wait(10)
    counts = [processing.process_waiting()]
    go_on.set()
    other.join()
    counts += [processing.process_waiting(), processing.process_waiting()]  # the last: delivered again
    assert counts == [2, 2, 0]
    assert sorted(Classification.objects.values_list("report_id", flat=True)) == [report.pk for report in reports]


@pytest.mark.django_db(transaction=True)
def test_a_killed_worker_loses_no_report_and_classifies_none_twice(processes, tiny):
    resident = makers.user(reputation=20)
    reports = [file_report(by=resident, **HOLE) for _ in range(5)]
    mark = tiny.with_name("killed")
    stops = {"MILLRACE_TEST_STOP": "before the fence=KILL", "MILLRACE_TEST_MARK": str(mark)}
    processes.worker(REPORT_CLASSIFIER=str(tiny), **stops)
    processes.scheduler()
    eventually(mark.exists)
    eventually(lambda: not Waiting.objects.exists(), within_s=60)
    assert sorted(Classification.objects.values_list("report_id", flat=True)) == [report.pk for report in reports]
