"""Reports, departments and categories in the console."""

import pytest
from django.contrib.auth.models import Group

from accounts.services import assign_role
from audit.models import Entry
from reports.filing.services import file_report
from reports.models import Category, Department, Report
from tests import makers
from tests.reports.conftest import POTHOLE

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _redis(redis):
    """Bells."""


def staff(client, role):
    someone = makers.user()
    assign_role(user=someone, role=role)
    someone.refresh_from_db()
    assert Group.objects.filter(user=someone).exists()
    client.force_login(someone)
    return someone


def page(row, button=""):
    return f"/admin/reports/{row._meta.model_name}/{row.pk}/" + (f"{button}/" if button else "change/")


def test_a_report_shows_what_is_around_it_and_its_history(client, filed):
    near = file_report(by=None, **POTHOLE | {"latitude": 42.3608, "title": "<b>Lamp</b>"})
    staff(client, "reviewer")
    shown = client.get(page(filed)).content.decode()
    assert "A pothole as wide as a tyre" in shown and "Received" in shown
    assert f'href="{page(near)}"' in shown and "&lt;b&gt;Lamp" in shown and "<b>Lamp" not in shown
    assert "Deep pothole" in client.get("/admin/reports/report/?q=" + str(filed.pk)).content.decode()


def test_a_row_of_the_list_says_what_residents_wrote_and_leads_to_its_page_and_back(client, resident):
    told = file_report(by=resident, **POTHOLE | {"title": "<i>Lamp</i> & post", "address": "1 'Elm' St"})
    staff(client, "reviewer")
    shown = client.get("/admin/reports/report/?status__exact=received&severity__exact=high").content.decode()
    assert "&lt;i&gt;Lamp&lt;/i&gt; &amp; post" in shown and "<i>Lamp" not in shown and "1 &#x27;Elm&#x27; St" in shown
    kept = "_changelist_filters=status__exact%3Dreceived%26severity__exact%3Dhigh"
    assert f'href="{page(told)}?{kept}"' in shown and shown.count('class="data-row ') == 1
    assert f'value="{told.pk}"' in shown  # its tick


def test_a_reviewer_moves_a_report_on(client, filed):
    reviewer = staff(client, "reviewer")
    done = client.post(page(filed, "move"), {"status": "in_progress", "note": "Soon.", "public": "on"}, follow=True)
    assert "The report is in progress." in done.content.decode()
    assert filed.history.last().by == reviewer and filed.history.last().is_public
    again = client.post(page(filed, "move"), {"status": "received"}, follow=True)
    assert "cannot become received" in again.content.decode()
    client.post(page(filed, "assign"), {"category": "tree", "severity": ""})
    assert Report.objects.get().department_id == "parks"


def test_a_reviewer_of_a_department_sees_its_reports_alone(client, filed):
    reviewer = staff(client, "reviewer")
    Department.objects.get(pk="parks").members.add(reviewer)
    assert client.get(page(filed)).status_code == 302
    Report.objects.update(department_id="parks")
    assert client.get(page(filed)).status_code == 200


def test_an_operator_says_who_is_in_a_department_and_what_a_category_promises(client):
    staff(client, "operator")
    parks, person = Department.objects.get(pk="parks"), makers.user()
    client.post(page(parks, "add"), {"username": person.username})
    assert list(parks.members.all()) == [person]
    assert "There is no account" in client.post(page(parks, "add"), {"username": "x"}, follow=True).content.decode()
    client.post(page(parks, "remove"), {"username": person.username})
    assert not parks.members.exists()
    tree = Category.objects.get(pk="tree")
    assert f'value="{tree.resolve_hours}"' in client.get(page(tree, "edit")).content.decode()
    client.post(page(tree, "edit"), {"name": "Trees", "department": "parks", "resolve_hours": 12, "is_active": "on",
                                     "description": tree.description})  # fmt: skip
    tree.refresh_from_db()
    assert tree.resolve_hours == 12
    entries = Entry.objects.filter(entity_type__in=["department", "category"]).order_by("id")
    assert [entry.action for entry in entries] == [
        "department_member_added", "department_member_removed", "category_changed",
    ]  # fmt: skip
    assert entries[2].metadata == {"resolve_hours": {"from": "240", "to": "12"}}


def test_an_analyst_looks_and_changes_nothing(client, filed):
    staff(client, "analyst")
    assert client.get(page(filed)).status_code == 200
    assert client.post(page(filed, "move"), {"status": "resolved"}).status_code == 403
    assert client.post(page(Department.objects.get(pk="parks"), "add"), {"username": "x"}).status_code == 403


def test_the_dashboard_tells_of_reports(client, filed):
    staff(client, "reviewer")
    Report.objects.update(category_id="tree", department_id="parks")
    shown = client.get("/admin/").content.decode()
    assert "Parks and Forestry: 1 open" in shown and "Median time to resolve" in shown
