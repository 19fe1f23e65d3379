"""Confirmations and comments."""

import threading

import pytest
from django.db import connection

from accounts.models import ReputationChange
from reports import reputation
from reports.filing import limits, voices
from reports.filing.services import change_status, file_report
from reports.models import Comment, Confirmation, Report, Tally
from tasks.testing import run_due
from tests import makers
from tests.reports.conftest import POTHOLE

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _redis(redis):
    """Throttles and bells."""


def at(report, rest):
    return f"/api/v1/reports/{report.pk}/{rest}"


def test_a_neighbour_confirms_once_and_may_take_it_back(api, resident, filed):
    client, url = makers.client(makers.user()), at(filed, "confirm")
    assert [client.post(url).json() for _ in range(2)] == [{"confirmed": True, "confirmations_count": 1}] * 2
    assert client.get(at(filed, "")).json()["confirmed_by_me"]
    assert [client.delete(url).json()["confirmations_count"] for _ in range(2)] == [0, 0]
    assert makers.client(resident).post(url).status_code == 409 and api.post(url).status_code == 401
    run_due()
    own = ReputationChange.objects.filter(user=resident, subject_type="confirmation").order_by("id")
    assert list(own.values_list("points", flat=True)) == [1, -1]


def test_a_merged_report_says_where_it_goes_on(filed):
    into = file_report(by=None, **POTHOLE)
    change_status(report=filed, to="duplicate", by=None, merged_into=into)
    client = makers.client(makers.user())
    for answer in (client.post(at(filed, "confirm")), client.post(at(filed, "comments"), {"text": "x"}, format="json")):
        assert answer.status_code == 409 and f"report {into.pk}" in answer.json()["detail"]


@pytest.mark.django_db(transaction=True)
def test_confirmed_by_two_and_twice_by_one_at_once_it_counts_two(filed):
    people = [makers.user(), makers.user()]
    barrier = threading.Barrier(4)

    def confirm(by):
        barrier.wait()
        try:
            voices.confirm(report_id=filed.pk, by=by)
        finally:
            connection.close()

    threads = [threading.Thread(target=confirm, args=[by]) for by in people * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    filed.refresh_from_db()
    assert filed.confirmations_count == 2 == Confirmation.objects.count()
    assert Tally.objects.filter(action="confirm", used=1).count() == 4


@pytest.mark.django_db(transaction=True)
def test_filed_at_once_it_is_never_more_than_allowed(resident):
    for _ in range(reputation.NEW.file.hour - 1):
        file_report(by=resident, **POTHOLE)
    barrier, refused = threading.Barrier(3), []

    def file():
        barrier.wait()
        try:
            file_report(by=resident, **POTHOLE)
        except limits.TooOften as error:
            refused.append(error.wait)
        finally:
            connection.close()

    threads = [threading.Thread(target=file) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 2 and Report.objects.count() == reputation.NEW.file.hour


def test_comments_are_read_by_all_and_hidden_by_staff(api, resident, filed):
    author, staff = makers.client(makers.user()), makers.client(makers.user("reviewer"))
    url = at(filed, "comments")
    first = author.post(url, {"text": "Write to me@example.org"}, format="json")
    assert first.status_code == 201 and first.json()["by"] == "resident"
    assert staff.post(url, {"text": "We are on it."}, format="json").json()["by"] == "staff"
    assert [(row["text"], row["by"]) for row in api.get(url).json()["results"]] == [
        ("Write to [e-mail]", "resident"),
        ("We are on it.", "staff"),
    ]
    one = f"{url}/{first.json()['id']}"
    assert author.patch(one, {"hidden": True}, format="json").status_code == 403
    assert staff.patch(one, {"hidden": True}, format="json").json()["hidden"]
    assert len(api.get(url).json()["results"]) == 1 and len(author.get(url).json()["results"]) == 2
    filed.refresh_from_db()
    assert filed.comments_count == 1
    run_due()
    assert ReputationChange.objects.get(rule="reports.comment_hidden@1").points == -5


def test_comments_have_pages_and_one_key_writes_one(filed):
    client, url = makers.client(makers.user()), at(filed, "comments")
    for _ in range(2):
        client.post(url, {"text": "One"}, format="json", headers={"Idempotency-Key": "k"})
    client.post(url, {"text": "Two"}, format="json")
    page = client.get(url, {"limit": 1}).json()
    assert [row["text"] for row in page["results"]] == ["One"]
    assert [row["text"] for row in client.get(page["next"]).json()["results"]] == ["Two"]
    assert Comment.objects.count() == 2
    assert client.get(url, {"cursor": "cD14"}).status_code == 404
    for text in ("", "x" * 2_001, "\x07", 5, None):
        assert client.post(url, {"text": text}, format="json").status_code == 400
    assert client.post("/api/v1/reports/0/comments", {"text": "x"}, format="json").status_code == 404
