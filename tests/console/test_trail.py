"""The trail in the console: timelines of entities, and exports of what is searched."""

import pytest
from django.urls import reverse

from archive.models import Export
from audit import panels
from audit.models import Entry
from audit.services import log_audit_event, seal
from base.context import acting
from tasks.execution import run_task
from tests.console.conftest import ask_for_loan, told

LIST = "/admin/audit/entry/"


@pytest.fixture
def doors(db):
    with acting(actor="user:7"):
        return [log_audit_event(f"door_{what}", "door", "north/1", {"reason": f"it was {what}"}) for what in
                ("made", "opened", "closed")]  # fmt: skip


def shown(answer) -> str:
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_timeline_tells_all_about_an_entity_in_order(staff, doors):
    seal()
    log_audit_event("door_opened", "door", "south")
    text = shown(staff("auditor").get(f"{LIST}of/door/north/1/"))
    assert text.index("door_made") < text.index("door_opened") < text.index("door_closed")
    assert "it was closed" in text and f"#{doors[2].seal.sequence}" in text and "door:north/1" in text
    assert "south" not in text


def test_a_long_timeline_has_pages(staff, doors, monkeypatch):
    monkeypatch.setattr(panels, "PAGE", 2)
    auditor = staff("auditor")
    first = shown(auditor.get(f"{LIST}of/door/north/1/"))
    assert "door_opened" in first and "door_closed" not in first
    assert (further := f"{LIST}of/door/north/1/?after={doors[1].pk}") in first
    second = shown(auditor.get(further))
    assert "door_closed" in second and "door_opened" not in second and "next entries" not in second


@pytest.mark.parametrize("address", ["of/nothing/1/", "of/door/north/1/?after=x", "of/door/north/1/?after=9999999999"])
def test_odd_addresses_are_no_error(staff, doors, address):
    assert staff("auditor").get(LIST + address).status_code == 200


def test_staff_are_shown_and_found_by_their_name(staff, doors):
    person, auditor = staff("operator").person, staff("auditor")
    with acting(actor=f"user:{person.pk}"):
        log_audit_event("door_painted", "door", "north/1")
    assert f"{person.username} (user:{person.pk})" in shown(auditor.get(f"{LIST}of/door/north/1/"))
    found = shown(auditor.get(f"{LIST}?q=actor:{person.username}"))
    assert "door_painted" in found and "door_made" not in found


@pytest.mark.parametrize("role", ["operator", "reviewer", "analyst"])
def test_a_timeline_is_for_those_who_may_see_the_trail(staff, doors, role):
    assert staff(role).get(f"{LIST}of/door/north/1/").status_code == 403


def test_pages_of_rows_lead_to_their_timeline(staff, db):
    request = ask_for_loan()
    count = Entry.objects.filter(entity_type="loan_request", entity_id=str(request.pk)).count()
    text = shown(staff("admin").get(reverse("admin:loans_loanrequest_change", args=[request.pk])))
    assert f"all {count} entries" in text and f"{LIST}of/loan_request/{request.pk}/" in text


@pytest.mark.django_db(transaction=True)
def test_what_is_searched_is_exported_for_a_reason(staff, doors, settings, tmp_path):
    settings.AUDIT_EXPORTS_DIR = tmp_path
    auditor = staff("auditor")
    page = shown(auditor.get(LIST, {"q": "target:door action:door_made"}))
    ask = f"{LIST}export/?words=target%3Adoor+action%3Adoor_made"
    assert ask in page
    asked = shown(auditor.get(ask))
    assert "target:door action:door_made" in asked and "What is exported" in asked
    answer = auditor.post(ask, {"words": "target:door action:door_made", "format": "csv", "reason": ""}, follow=True)
    assert not Export.objects.exists() and "This field is required" in answer.content.decode()
    form = {"words": "target:door action:door_made", "format": "csv", "reason": "asked by the board"}
    answer = auditor.post(ask, form, follow=True)
    assert told(answer) == ["The export is being built."]
    export = Export.objects.get()
    run_task(str(export.task_id))
    text = shown(auditor.get(reverse("admin:archive_export_change", args=[export.pk])))
    assert f"/api/v1/audit/exports/{export.pk}/download" in text and "asked by the board" in text
    [entry] = Entry.objects.filter(action="audit_export_requested")
    assert entry.actor == f"user:{auditor.person.pk}" and entry.metadata["reason"] == "asked by the board"
    fetched = auditor.get(f"/api/v1/audit/exports/{export.pk}/download")
    assert fetched.status_code == 200 and b"door_made" in b"".join(fetched.streaming_content)
    assert str(export.pk) in shown(auditor.get("/admin/archive/export/"))


@pytest.mark.parametrize("words", ["from:never", "status:maybe", "\x00"])
def test_words_that_mean_nothing_are_told_and_export_nothing(staff, words, db):
    auditor = staff("auditor")
    answer = auditor.post(f"{LIST}export/", {"words": words, "format": "csv", "reason": "x"})
    assert answer.status_code == 200 and not Export.objects.exists()
    assert auditor.get(f"{LIST}export/", {"words": words}).status_code == 200
