"""A model that cannot be read stops neither people nor the service, and says so."""

import pytest
from django.core import checks

from accounts.services import assign_role
from base.artifacts import ArtifactError
from reports import processing
from reports.duplicates import published
from reports.filing.services import file_report
from reports.models import ReviewItem, Waiting
from reports.review import deciding, work
from tasks.models import Task
from tasks.testing import run_due
from tests import makers
from tests.reports.conftest import POTHOLE
from tests.reports.waiting import item, reviewer

pytestmark = pytest.mark.django_db
SENTENCE = "the finder of duplicates cannot be read"


@pytest.fixture(params=["missing", "broken"])
def no_finder(request, monkeypatch, tmp_path):
    if request.param == "broken":
        (tmp_path / "duplicates-v1.json").write_text("{")
    monkeypatch.setattr(published, "FOLDER", tmp_path)
    published.finder.cache_clear()
    yield
    published.finder.cache_clear()


def test_without_a_finder_pages_say_so_and_a_reviewer_still_merges(no_finder, client, redis):
    row, into, person = item(), item().report, makers.user()
    assign_role(user=person, role="reviewer")
    client.force_login(person)
    for page in (f"/admin/reports/reviewitem/{row.pk}/change/", f"/admin/reports/report/{row.report_id}/change/"):
        answer = client.get(page)
        assert answer.status_code == 200 and SENTENCE in answer.content.decode()
    told = makers.client(person).get(f"/api/v1/reports/{row.report_id}/duplicates/candidates")
    assert told.status_code == 503 and "finder of duplicates" in told.json()["detail"]
    work.claim_item(item_id=row.pk, user=person)
    assert deciding.merge_item(item_id=row.pk, user=person, into=into.pk).into_id == into.pk


def test_without_a_model_reports_wait_and_a_person_sees_the_critical_ones_once(no_finder, redis):
    critical = file_report(by=None, **POTHOLE | {"severity": "critical"})
    file_report(by=None, **POTHOLE)
    run_due()
    task = Task.objects.get(name="reports.process_reports")
    assert task.status == "failed" and "duplicates-v1.json" in task.error_message
    assert Waiting.objects.filter(attempts=0).count() == 2
    assert list(ReviewItem.objects.values_list("report_id", "why")) == [(critical.pk, ["urgent"])]
    row, person = ReviewItem.objects.get(), reviewer()
    work.claim_item(item_id=row.pk, user=person)
    deciding.correct_item(item_id=row.pk, user=person, category="tree")
    assert processing.show_critical() == 0


def test_what_waited_is_processed_when_the_model_is_back(redis, settings):
    file_report(by=None, **POTHOLE)
    settings.REPORT_CLASSIFIER, usual = "/nowhere.json", settings.REPORT_CLASSIFIER
    with pytest.raises(ArtifactError):
        processing.process_waiting()
    settings.REPORT_CLASSIFIER = usual
    assert processing.process_waiting() == 1 and not Waiting.objects.exists()


def test_a_release_without_its_models_is_not_let_through(no_finder, settings):
    settings.REPORT_CLASSIFIER = "/nowhere.json"
    found = [one.msg for one in checks.run_checks(include_deployment_checks=True) if one.id == "reports.E001"]
    assert len(found) == 2 and "no classifier /nowhere.json" in found[0] and "duplicates-v1.json" in found[1]
