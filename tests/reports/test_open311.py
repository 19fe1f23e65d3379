"""GeoReport v2 as a client sees it: every answer keeps to the standard, in JSON and in XML."""

from datetime import timedelta
from urllib.parse import urlencode
from xml.etree.ElementTree import Element

import pytest
from defusedxml.ElementTree import fromstring
from django.utils import timezone

from accounts.people import issue_api_key
from audit.models import Entry
from reports.filing.services import change_status, file_report
from reports.models import Attribute, Photo, Report, Submission, Waiting
from reports.open311.xml import ITEMS
from tests.reports import open311_schemas as schemas
from tests.reports.conftest import POTHOLE

pytestmark = pytest.mark.django_db
V2 = "/open311/v2"
PLACE = {"lat": "42.3601", "long": "-71.0589"}


@pytest.fixture
def key():
    return issue_api_key(username="city-app", role="service")


def shown(element: Element, like: object) -> object:
    """What an XML element holds, in the types of its counterpart in JSON."""
    if isinstance(like, list):
        assert {child.tag for child in element} <= {ITEMS[element.tag]}
        return [shown(child, one) for child, one in zip(element, like, strict=True)]
    if isinstance(like, dict):
        assert [child.tag for child in element] == list(like)
        return {child.tag: shown(child, like[child.tag]) for child in element}
    text = element.text
    if isinstance(like, bool):
        return {"true": True, "false": False}[text or ""]
    if isinstance(like, int | float):
        return type(like)(text or "nan")
    return text or ("" if like == "" else None)


def both(client, path, root, schema, **query):
    """The answer in JSON, after a look that the one in XML says the same."""
    answer, told = (client.get(f"{path}.{form}", query) for form in ("json", "xml"))
    assert (answer.status_code, told.status_code) == (200, 200), (answer.content, told.content)
    assert answer["Content-Type"] == "application/json; charset=utf-8"
    assert told["Content-Type"] == "text/xml; charset=utf-8"
    assert told.content.startswith(b'<?xml version="1.0" encoding="utf-8"?>')
    found = answer.json()
    schemas.check(found, schema)
    element = fromstring(told.content)
    assert element.tag == root
    assert shown(element, found) == found
    return found


def post(client, key, form="json", **fields):
    """A field that is None is not sent."""
    fields = {"api_key": key, "service_code": "road_surface", "description": "A hole", **PLACE} | fields
    body = urlencode({name: value for name, value in fields.items() if value is not None}, doseq=True)
    return client.post(f"{V2}/requests.{form}", body, content_type="application/x-www-form-urlencoded; charset=utf-8")


def test_discovery_leads_to_the_endpoint(client):
    found = both(client, "/open311/discovery", "discovery", schemas.DISCOVERY)
    assert found["endpoints"][0]["url"] == "http://testserver/open311/v2"


def test_services_are_the_categories_and_their_questions(client):
    services = {one["service_code"]: one for one in both(client, f"{V2}/services", "services", schemas.SERVICES)}
    assert services["tree"]["metadata"] and services["tree"]["group"] == "Parks and Forestry"
    assert not services["noise"]["metadata"]
    assert (services["tree"]["type"], services["other"]["type"]) == ("realtime", "batch")
    assert services["sidewalk"]["keywords"] == "broken, raised, blocked sidewalks, kerbs"
    Attribute.objects.create(
        category_id="noise", code="note", datatype="string", description="<b> & é", variable=False, position=1
    )
    for code in ("tree", "graffiti", "noise", "parks"):
        found = both(client, f"{V2}/services/{code}", "service_definition", schemas.DEFINITION)
        assert found["service_code"] == code
    assert found["attributes"] == []


def test_a_request_becomes_a_report_and_is_read_as_a_request(client, key):
    answer = post(client, key, service_code="graffiti", description="Paint\r\non & <wall>", email="a@example.org",
                  **{"attribute[surface][]": ["building", "sign"], "attribute[offensive]": "no"})  # fmt: skip
    assert answer.status_code == 201, answer.content
    schemas.check(answer.json(), schemas.CREATED)
    report = Report.objects.get(pk=answer.json()[0]["service_request_id"])
    assert (report.source, report.category_id, report.department_id) == ("open311", "graffiti", "public_works")
    submission = Submission.objects.get(report=report)
    assert submission.answers == {"surface": ["building", "sign"], "offensive": "no"}
    assert submission.email == "a@example.org"
    assert Waiting.objects.filter(report=report).exists()
    [found] = both(client, f"{V2}/requests/{report.pk}", "service_requests", schemas.REQUESTS)
    assert (found["status"], found["service_code"], found["lat"]) == ("open", "graffiti", 42.3601)
    assert found["expected_datetime"][:10] == f"{report.reported_at + timedelta(hours=168):%Y-%m-%d}"


def test_what_fits_nowhere_gets_a_token_and_its_number_when_it_was_looked_at(client, key):
    told = post(client, key, form="xml", service_code="other")
    request = fromstring(told.content).find("request")
    token = request.findtext("token")
    assert told.status_code == 201 and request.find("service_request_id") is None
    path = f"{V2}/tokens/{token}"
    assert both(client, path, "service_requests", schemas.TOKEN) == [{"token": token}]
    Waiting.objects.all().delete()
    number = str(Submission.objects.get(token=token).report_id)
    assert both(client, path, "service_requests", schemas.TOKEN) == [{"service_request_id": number, "token": token}]


def test_an_address_that_was_reported_before_is_a_place(client, key):
    here = {"lat": None, "long": None, "address_string": "12 Main St"}
    assert post(client, key, **here).status_code == 400
    assert post(client, key, address_string="12  MAIN st").status_code == 201
    number = post(client, key, **here).json()[0]["service_request_id"]
    assert Report.objects.get(pk=number).latitude == 42.3601


@pytest.mark.parametrize(
    ("status", "says", "fields"),
    [
        (403, "api_key", {"api_key": None}),
        (403, "api_key", {"api_key": "mill_nobody"}),
        (404, "", {"service_code": "nothing"}),
        (404, "", {"jurisdiction_id": "elsewhere.gov"}),
        (400, "service_code", {"service_code": None}),
        (400, "lat and long", {"long": None}),
        (400, "lat and long", {"lat": None, "long": None, "address_id": "5"}),
        (400, "lat", {"lat": "nan"}),
        (400, "long", {"long": "181"}),
        (400, "description", {"description": "x" * 4_001}),
        (400, "description", {"description": "a\x00b"}),
        (400, "media_url", {"media_url": "javascript:alert(1)"}),
        (400, "colour", {"colour": "red"}),
        (400, "attribute[danger]", {"service_code": "tree"}),
        (400, "attribute[danger]", {"service_code": "tree", "attribute[danger]": "perhaps"}),
        (400, "attribute[age]", {"service_code": "tree", "attribute[danger]": "no", "attribute[age]": "7"}),
        (400, "attribute[since]", {"service_code": "vehicle_parking", "attribute[since]": "yesterday"}),
    ],
)
def test_what_cannot_be_taken_is_refused_as_the_standard_says(client, key, settings, status, says, fields):
    settings.OPEN311_JURISDICTION = "city.gov"
    answer, told = (post(client, key, form=form, **fields) for form in ("json", "xml"))
    assert (answer.status_code, told.status_code) == (status, status), answer.content
    schemas.check(answer.json(), schemas.ERRORS)
    assert {error["code"] for error in answer.json()} == {status} and says in answer.content.decode()
    assert [error.findtext("code") for error in fromstring(told.content)] == [str(status)] * len(answer.json())
    assert not Report.objects.exists()


@pytest.mark.parametrize(
    ("status", "path"),
    [
        (400, "requests.json?status=new"),
        (400, "requests.json?start_date=2020-01-01"),
        (400, "requests.json?start_date=2020-01-01T00:00:00Z&end_date=2020-06-01T00:00:00Z"),
        (400, "requests.json?start_date=2020-01-02T00:00:00Z&end_date=2020-01-01T00:00:00Z"),
        (400, "requests.json?page_size=1001"),
        (400, "requests.json?page=0"),
        (400, "requests.json?colour=red"),
        (404, "requests.json?jurisdiction_id=elsewhere.gov"),
        (404, "requests/99999999999999999999.json"),
        (404, "requests/abc.json"),
        (404, "services/nothing.json"),
        (404, "tokens/00000000-0000-0000-0000-000000000000.json"),
        (404, "nothing.json"),
    ],
)
def test_a_query_that_means_nothing_is_refused(client, settings, status, path):
    settings.OPEN311_JURISDICTION = "city.gov"
    answer = client.get(f"{V2}/{path}")
    assert answer.status_code == status
    schemas.check(answer.json(), schemas.ERRORS)


def test_requests_are_found_by_number_service_status_and_time(client, resident):
    old, fresh, closed = (file_report(by=resident, **POTHOLE | {"category": code}) for code in ("tree", None, "noise"))
    Report.objects.filter(pk=old.pk).update(reported_at=timezone.now() - timedelta(days=91))
    change_status(report=closed, to="resolved", by=None, note="Call me: 617-555-0143")
    change_status(report=closed, to="in_progress", by=None, note="between us", public=False)
    change_status(report=closed, to="resolved", by=None)

    def numbers(**query):
        found = both(client, f"{V2}/requests", "service_requests", schemas.REQUESTS, **query)
        return [int(one["service_request_id"]) for one in found]

    assert numbers() == [closed.pk, fresh.pk]
    assert numbers(status="open") == numbers(service_code="other,tree") == [fresh.pk]
    assert numbers(service_code=["other", "tree"], status=["open", "closed"]) == [fresh.pk]
    assert numbers(status="closed", service_code="") == [closed.pk]
    assert numbers(page="2", page_size="1") == [fresh.pk]
    by_number = {"service_request_id": f"{old.pk},{closed.pk},x,999999", "status": "nonsense", "page": "0"}
    assert numbers(**by_number) == [closed.pk, old.pk]
    end = (timezone.now() - timedelta(days=30)).isoformat()
    assert numbers(end_date=end) == [old.pk]
    [found] = client.get(f"{V2}/requests/{closed.pk}.json").json()
    assert (found["status"], found["status_notes"]) == ("closed", "Call me: [phone]")


def test_extensions_add_steps_photos_and_severity(client, filed):
    Photo.objects.create(report=filed, file="reports/a.jpg", width=640, height=480, size_bytes=9, sha256="0" * 64)
    change_status(report=filed, to="acknowledged", by=None, note="Mail a@example.org")
    change_status(report=filed, to="in_progress", by=None, note="between us", public=False)
    path = f"{V2}/requests/{filed.pk}"
    [plain] = both(client, path, "service_requests", schemas.REQUESTS, extensions="false")
    [found] = both(client, path, "service_requests", schemas.REQUESTS, extensions="true")
    assert found.items() > plain.items() and not plain.keys() & {"notes", "extended_attributes"}
    told = [(note["type"], note["description"]) for note in found["notes"]]
    assert told == [("received", None), ("acknowledged", "Mail [e-mail]"), ("in_progress", None)]
    extended = found["extended_attributes"]
    assert (extended["severity"], extended["channel"], extended["confirmations"]) == ("high", "api", 0)
    assert [photo["media_url"] for photo in extended["photos"]] == [plain["media_url"]]
    assert client.get(f"{path}.json", {"extensions": "maybe"}).status_code == 400


def test_what_was_rejected_is_not_shown_to_strangers(client, filed):
    change_status(report=filed, to="rejected", by=None)
    assert client.get(f"{V2}/requests/{filed.pk}.json").status_code == 404
    assert client.get(f"{V2}/requests.json", {"status": "closed"}).json() == []


def test_a_question_is_added_in_the_console_and_seen_in_the_trail(client, django_user_model):
    client.force_login(django_user_model.objects.create_superuser("boss"), "django.contrib.auth.backends.ModelBackend")
    asked = {"category": "noise", "code": "when", "datatype": "singlevaluelist", "description": "When is it loud?",
             "position": 1, "is_active": "on", "variable": "on", "datatype_description": ""}  # fmt: skip
    page = "/admin/reports/attribute/add/"
    assert client.post(page, asked | {"values": '["night"]'}).status_code == 200  # the form again
    assert client.post(page, asked | {"values": '[{"key": "night", "name": "At night"}]'}).status_code == 302
    [question] = both(client, f"{V2}/services/noise", "service_definition", schemas.DEFINITION)["attributes"]
    assert question["values"] == [{"key": "night", "name": "At night"}]
    assert Entry.objects.filter(action="question_added", metadata__category="noise").exists()
