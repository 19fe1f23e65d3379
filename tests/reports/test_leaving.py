"""Who deletes their account leaves what they reported, without them."""

import pytest

from accounts.models import Session
from accounts.services import close_account, open_session
from features.models import RawEvent
from reports.filing import voices
from reports.filing.services import change_status
from reports.models import Comment, Confirmation, Department, Photo, Report, StatusChange, Submission
from tasks.testing import run_due
from tests import makers
from tests.reports.conftest import POTHOLE, tell
from tests.reports.waiting import report

pytestmark = pytest.mark.django_db


def test_reports_stay_without_the_person(filed, resident, redis):
    tell()
    Report.objects.filter(pk=filed.pk).update(ip="192.0.2.7")
    Submission.objects.create(report=filed, answers={"surface": "sign"}, email="a@example.org", first_name="Ann")
    Photo.objects.create(report=filed, uploaded_by=resident, file="a.jpg", width=1, height=1, size_bytes=1, sha256="0")
    Department.objects.get(pk="parks").members.add(resident)
    other = report()
    voices.confirm(report_id=other.pk, by=resident)
    voices.add_comment(report_id=other.pk, by=resident, text="Here too.", by_staff=False)
    change_status(report=filed, to="acknowledged", by=resident)
    assert RawEvent.objects.filter(entity_type="reporter", entity_id=str(resident.pk)).exists()
    open_session(user=resident)
    close_account(session=Session.objects.get())
    run_due()
    filed.refresh_from_db()
    assert (filed.reporter, filed.ip, filed.title) == (None, None, POTHOLE["title"])
    kept = Submission.objects.get()
    assert (kept.answers, kept.email, kept.first_name) == ({"surface": "sign"}, "", "")
    assert not StatusChange.objects.filter(by=resident).exists() and StatusChange.objects.filter(report=filed).exists()
    assert Photo.objects.get().uploaded_by is None
    assert (Comment.objects.get().author, Comment.objects.get().text) == (None, "Here too.")
    assert Confirmation.objects.count() == 1 and Report.objects.get(pk=other.pk).confirmations_count == 1
    assert not resident.departments.exists()
    assert not RawEvent.objects.filter(entity_type="reporter", entity_id=str(resident.pk)).exists()
    assert RawEvent.objects.filter(entity_type="place").exists()


def test_the_count_of_people_stays_where_a_leavers_report_was_merged(resident, redis):
    from reports.duplicates import merging

    root, mine = report(), report(reporter=resident)
    merging.merge(report_id=mine.pk, into_id=root.pk, by=makers.user("reviewer"))
    assert Report.objects.get(pk=root.pk).confirmations_count == 1
    open_session(user=resident)
    close_account(session=Session.objects.get())
    run_due()
    voices.confirm(report_id=root.pk, by=makers.user(reputation=20))
    assert Report.objects.get(pk=root.pk).confirmations_count == 2
