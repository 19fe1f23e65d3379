"""Finding reports and reading them: pages, filters, places, and what others may see."""

from datetime import timedelta

import pytest
from django.utils import timezone

from reports.filing.public import masked
from reports.filing.services import change_status, file_report
from reports.models import Correction, Department, Report
from reports.places import cell_of, distance_m
from tests import makers
from tests.reports.conftest import POTHOLE

pytestmark = pytest.mark.django_db
URL = "/api/v1/reports/"


@pytest.fixture(autouse=True)
def _redis(redis):
    """Throttles and bells."""


def put(latitude=42.36, longitude=-71.06, days_ago=0.0, **more):
    at = timezone.now() - timedelta(days=days_ago)
    return Report.objects.create(
        title="Lamp",
        description="It is out.",
        latitude=latitude,
        longitude=longitude,
        cell=cell_of(latitude, longitude),
        reported_at=at,
        **more,
    )


def ids(answer):
    assert answer.status_code == 200, answer.json()
    return [row["id"] for row in answer.json()["results"]]


def test_a_list_has_pages_and_filters(api):
    rows = [put(days_ago=n, category_id="tree" if n % 2 else "noise", severity="low") for n in range(5)]
    first = api.get(URL, {"limit": 2})
    assert ids(first) == [rows[0].pk, rows[1].pk]
    assert ids(api.get(first.json()["next"])) == [rows[2].pk, rows[3].pk]
    assert ids(api.get(URL, {"category": "tree"})) == [rows[1].pk, rows[3].pk]
    day = (timezone.now() - timedelta(days=1.5)).isoformat()
    assert ids(api.get(URL, {"from": day, "severity": "low"})) == [rows[0].pk, rows[1].pk]
    assert ids(api.get(URL, {"to": day, "status": "received"})) == [row.pk for row in rows[2:]]
    assert ids(api.get(URL, {"bbox": "-71.07,42.35,-71.05,42.37", "limit": 1})) == [rows[0].pk]
    assert ids(api.get(URL, {"bbox": "-71.07,42.4,-71.05,42.5"})) == []


@pytest.mark.parametrize(
    "query",
    ["colour=red", "status=open", "severity=9", "from=yesterday", "bbox=1,2,3", "bbox=nan,0,1,1", "bbox=2,0,1,1",
     "bbox=-181,0,1,1", "limit=0", "category=%00", "limit=101"],
)  # fmt: skip
def test_a_filter_that_is_none_is_refused(api, query):
    assert api.get(f"{URL}?{query}").status_code == 400


def test_a_cursor_that_is_none_is_not_found(api):
    for cursor in ("x", "cD15ZXN0ZXJkYXk=", "cD0yMDI2LTEzLTQ1"):
        assert api.get(URL, {"cursor": cursor}).status_code == 404


def test_near_a_place_comes_the_nearest_first(api):
    far, near, beyond = put(42.3640), put(42.3601), put(42.40)
    answer = api.get(f"{URL}nearby", {"latitude": 42.36, "longitude": -71.06, "radius_m": 1_000})
    assert ids(answer) == [near.pk, far.pk]
    assert answer.json()["results"][1]["distance_m"] == pytest.approx(distance_m(42.36, -71.06, 42.3640, -71.06), abs=1)
    assert ids(api.get(f"{URL}nearby", {"latitude": 42.36, "longitude": -71.06, "limit": 1})) == [near.pk]
    assert beyond.pk in ids(api.get(f"{URL}nearby", {"latitude": 42.36, "longitude": -71.06, "radius_m": 9_999}))


@pytest.mark.parametrize(
    "query",
    ["", "latitude=42", "latitude=91&longitude=0", "latitude=nan&longitude=0", "latitude=inf&longitude=0",
     "latitude=1&longitude=1&radius_m=1e9", "latitude=1&longitude=1&radius_m=-1", "latitude=1&longitude=1&limit=x"],
)  # fmt: skip
def test_a_circle_that_is_none_is_refused(api, query):
    assert api.get(f"{URL}nearby?{query}").status_code == 400


def test_others_read_no_addresses_and_nothing_of_who_filed(api, resident):
    told = POTHOLE | {"description": "Call me: +1 617 555 0100 or mail jo@example.org"}
    report = file_report(by=resident, **told)
    seen = api.get(f"{URL}{report.pk}")
    assert seen.json()["description"] == "Call me: [phone] or mail [e-mail]"
    assert "user" not in seen.text and "127.0.0.1" not in seen.text
    for reader in (resident, makers.user("reviewer")):
        assert makers.client(reader).get(f"{URL}{report.pk}").json()["description"] == told["description"]


def test_dates_and_numbers_of_houses_are_no_phones():
    for text in ("2026-11-22 19:23", "at 12-14 Elm St, 02134", "plate 123-4567", "case 101003312345", "10.5 m"):
        assert masked(text) == text
    for text in ("617-555-0100", "(617) 555-0100", "+49 30 901820", "030 90182012"):
        assert masked(f"call {text}, please") == "call [phone], please"


def test_what_was_rejected_is_seen_by_who_filed_it_and_who_deals_with_it(api, resident, filed):
    change_status(report=filed, to="rejected", by=None)
    assert api.get(f"{URL}{filed.pk}").status_code == 404 and ids(api.get(URL)) == []
    assert api.get(f"{URL}{filed.pk}/history").status_code == 404
    assert makers.client(makers.user()).get(f"{URL}{filed.pk}").status_code == 404
    assert ids(makers.client(resident).get(URL)) == [filed.pk]
    assert ids(makers.client(makers.user("reviewer")).get(URL)) == [filed.pk]


def test_reading_without_an_account_can_be_switched_off(api, resident, filed, settings):
    settings.REPORTS_ANONYMOUS = []
    for path in ("", "nearby?latitude=1&longitude=1", "categories", f"{filed.pk}", f"{filed.pk}/comments"):
        assert api.get(f"{URL}{path}").status_code == 401
        assert makers.client(resident).get(f"{URL}{path}").status_code == 200


def test_my_reports_are_mine(resident, filed):
    put()
    assert ids(makers.client(resident).get(f"{URL}mine")) == [filed.pk]
    assert ids(makers.client(makers.user()).get(f"{URL}mine")) == []


def test_history_tells_each_step_but_not_what_is_for_staff(api, filed):
    reviewer = makers.user("reviewer")
    change_status(report=filed, to="acknowledged", by=reviewer, note="Between us.", public=False)
    change_status(report=filed, to="resolved", by=reviewer, note="Filled.")
    steps = api.get(f"{URL}{filed.pk}/history").json()["results"]
    assert [(step["to_status"], step["by"], step["note"]) for step in steps] == [
        ("received", "resident", ""),
        ("acknowledged", "staff", ""),
        ("resolved", "staff", "Filled."),
    ]


def test_its_reporter_corrects_a_report_while_it_is_received(resident, filed):
    client, url = makers.client(resident), f"{URL}{filed.pk}"
    read = client.get(url)
    answer = client.patch(url, {"title": "Two potholes"}, format="json", headers={"If-Match": read["ETag"]})
    assert answer.status_code == 200 and answer.json()["title"] == "Two potholes"
    stale = client.patch(url, {"title": "Three"}, format="json", headers={"If-Match": read["ETag"]})
    assert stale.status_code == 412
    assert client.patch(url, {"status": "resolved"}, format="json").status_code == 403
    assert makers.client(makers.user()).patch(url, {"title": "Mine"}, format="json").status_code == 403
    change_status(report=filed, to="acknowledged", by=None)
    assert client.patch(url, {"title": "Late"}, format="json").status_code == 409


def test_a_member_of_its_department_moves_a_report_on(api, filed):
    member = makers.user()
    Department.objects.get(pk="public_works").members.add(member)
    client, url = makers.client(member), f"{URL}{filed.pk}"
    assert client.patch(url, {"status": "resolved"}, format="json").status_code == 403  # nobody's department yet
    reviewer = makers.client(makers.user("reviewer"))
    assert reviewer.patch(url, {"category": "road_surface"}, format="json").json()["department"] == "public_works"
    assert [row.category_id for row in Correction.objects.all()] == ["road_surface"]
    done = client.patch(url, {"status": "resolved", "note": "Filled."}, format="json")
    assert done.status_code == 200 and done.json()["closed_at"]
    assert client.patch(url, {"status": "rejected"}, format="json").status_code == 409
    assert api.patch(url, {"status": "resolved"}, format="json").status_code == 401


@pytest.mark.parametrize(
    "changes", [{}, {"note": "alone"}, {"latitude": 1}, {"status": "duplicate"}, {"reporter": 1}, {"category": "x"}]
)
def test_a_change_that_is_none_is_refused(filed, changes):
    client = makers.client(makers.user("reviewer"))
    assert client.patch(f"{URL}{filed.pk}", changes, format="json").status_code == 400
