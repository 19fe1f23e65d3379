"""Filing a report: what is stored, what follows, and what one may."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import ReputationChange
from audit.models import Entry
from features.models import RawEvent
from reports import reputation
from reports.models import Report, StatusChange, Tally, Waiting
from reports.places import area_of
from tasks.models import Task
from tasks.testing import run_due
from tests import makers
from tests.reports.conftest import POTHOLE, tell

pytestmark = pytest.mark.django_db
URL = "/api/v1/reports/"
BUDGET = 8  # statements, the login's included, beside BEGIN and COMMIT


@pytest.fixture(autouse=True)
def _redis(redis):
    """Throttles and bells."""


def test_a_report_is_stored_with_its_first_step_and_what_follows_is_due(resident):
    answer = makers.client(resident).post(URL, POTHOLE, format="json")
    assert answer.status_code == 201, answer.json()
    report = Report.objects.get()
    assert answer.json()["id"] == report.pk and answer.json()["status"] == "received" and answer.json()["is_own"]
    assert (report.reporter, report.cell, report.severity) == (resident, "892a3066037ffff", "high")
    assert [step.to_status for step in StatusChange.objects.all()] == ["received"]
    assert Waiting.objects.get().report == report
    assert Task.objects.filter(name="reports.process_reports").count() == 1


def test_what_follows_is_told_once_with_who_did_it(resident):
    client = makers.client(resident)
    for _ in range(2):
        client.post(URL, POTHOLE, format="json", headers={"User-Agent": "phone"})
    tell()
    entries = Entry.objects.filter(action="report_created").order_by("id")
    assert [(e.entity_id, e.actor, e.user_agent, e.at) for e in entries] == [
        (str(report.pk), f"user:{resident.pk}", "phone", report.reported_at) for report in Report.objects.order_by("id")
    ]
    told = RawEvent.objects.filter(source="reports")
    assert set(told.values_list("entity_type", "entity_id")) == {
        ("place", area_of(Report.objects.first().cell)),
        ("reporter", str(resident.pk)),
    }
    tell()
    assert RawEvent.objects.filter(source="reports").count() == 4
    run_due()
    assert list(ReputationChange.objects.values_list("rule", "points")) == [("reports.filed@1", 5)] * 2


def test_a_report_without_an_account_has_no_reporter(api):
    answer = api.post(URL, POTHOLE, format="json")
    assert answer.status_code == 201 and Report.objects.get().reporter is None
    tell()
    assert Entry.objects.get(action="report_created").actor == "anonymous"


def test_filing_without_an_account_can_be_switched_off(api, settings):
    settings.REPORTS_ANONYMOUS = ["read"]
    assert api.post(URL, POTHOLE, format="json").status_code == 401
    assert not Report.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_filing_stays_within_its_statements(resident):
    client = makers.client(resident)
    client.post(URL, POTHOLE, format="json")
    with CaptureQueriesContext(connection) as asked:
        assert client.post(URL, POTHOLE, format="json", headers={"Idempotency-Key": "k"}).status_code == 201
    statements = [query["sql"] for query in asked if query["sql"] not in ("BEGIN", "COMMIT")]
    assert len(statements) <= BUDGET, "\n".join(statement[:120] for statement in statements)


def test_the_same_key_files_once(resident):
    client = makers.client(resident)
    first, again = (client.post(URL, POTHOLE, format="json", headers={"Idempotency-Key": "k"}) for _ in range(2))
    assert first.json() == again.json() and Report.objects.count() == 1
    other = client.post(URL, POTHOLE | {"title": "Other"}, format="json", headers={"Idempotency-Key": "k"})
    assert other.status_code == 422


def test_without_an_account_a_key_files_once_for_each_address(api):
    def file(ip, **changes):
        headers = {"Idempotency-Key": "k"}
        return api.post(URL, POTHOLE | changes, format="json", headers=headers, REMOTE_ADDR=ip)

    first, again = file("192.0.2.1"), file("192.0.2.1")
    assert first.status_code == 201 and first.content == again.content and again["Idempotency-Replayed"] == "true"
    assert file("192.0.2.1", title="Other").status_code == 422
    assert file("192.0.2.2", title="Other").json()["id"] != first.json()["id"]
    assert file("2001:db8::1").json() == file("2001:db8::2").json()  # one customer
    assert Report.objects.count() == 3
    assert Tally.objects.get(whom="anonymous", span="day").used == 3


def test_what_is_over_the_limit_is_refused_and_leaves_nothing(resident):
    client = makers.client(resident)
    for _ in range(reputation.NEW.file.hour):
        assert client.post(URL, POTHOLE, format="json").status_code == 201
    refused = client.post(URL, POTHOLE, format="json")
    assert refused.status_code == 429 and 0 < int(refused["Retry-After"]) <= 3601
    assert Report.objects.count() == reputation.NEW.file.hour
    assert Tally.objects.get(span="day").used == reputation.NEW.file.hour


def test_who_was_refused_too_much_is_blocked(resident):
    type(resident).objects.filter(pk=resident.pk).update(reputation=reputation.BLOCKED_BELOW - 1)
    assert makers.client(resident).post(URL, POTHOLE, format="json").status_code == 403
    assert not Report.objects.exists() and not Tally.objects.exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("latitude", 91), ("latitude", "42"), ("latitude", True), ("longitude", 180.1), ("longitude", None),
        ("title", ""), ("title", 7), ("title", "x" * 201), ("title", "bell\x07"), ("description", ["no"]),
        ("severity", "urgent"), ("category", "nothing"), ("status", "resolved"), ("reporter", 1),
    ],
)  # fmt: skip
def test_what_is_not_a_report_is_refused_with_the_field(api, field, value):
    answer = api.post(URL, POTHOLE | {field: value}, format="json")
    assert answer.status_code == 400 and answer["Content-Type"] == "application/problem+json"
    assert answer.json()["errors"][0]["pointer"] == f"#/{field}"
    assert not Report.objects.exists()


@pytest.mark.parametrize(
    ("old", "new", "status"),
    [("42.3601", "NaN", 400), ("42.3601", "1e999", 400), ("Deep", "De\\u0000ep", 400), ("Deep", "\\ud800", 400),
     ("Deep", "x" * 2_000_000, 413)],
)  # fmt: skip
def test_what_is_not_json_of_ours_is_refused(api, old, new, status):
    body = json.dumps(POTHOLE).replace(old, new)
    assert api.post(URL, body, content_type="application/json").status_code == status
    assert not Report.objects.exists()
