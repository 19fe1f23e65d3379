"""Dead letters by task and error, and acting on all that a filter finds."""

from datetime import UTC, datetime

import pytest

from tasks import failures
from tests.console.conftest import new_task

pytestmark = pytest.mark.django_db
TASKS = "/admin/tasks/task/"
PAGE = f"{TASKS}letters/"


def letters(browser) -> list:
    return browser.get(PAGE).context["panels"][-1].rows


def dead(error: str = "garden.Drought", message: str = "no rain", **fields):
    return new_task("failed", error_type=error, error_message=message, **fields)


def buttons(browser, query: str) -> dict[str, str]:
    shown = browser.get(TASKS, query).context["buttons"]
    return {one["button"].name: one["url"] for one in shown}


def test_what_failed_alike_is_one_row_with_count_times_and_the_newest_message(staff):
    for message in ("no rain", "still no rain"):
        newest = dead(message=message)
    dead("garden.Frost", "cold")
    dead(discarded_at=datetime.now(UTC))
    new_task(retry_of=dead())
    first, second = letters(staff("operator"))
    assert ">garden.note</a>" in first[0] and "error=garden.Drought" in first[0]
    assert first[1:3] == ("Drought", "2") and second[1:3] == ("Frost", "1")
    assert "still no rain" in first[5] and str(newest.pk) in first[5]


def test_a_row_leads_to_its_tasks_alone(staff):
    drought, operator = dead(), staff("operator")
    dead("garden.Frost")
    link = letters(operator)[0][0].partition('href="')[2].partition('"')[0].replace("&amp;", "&")
    assert list(operator.get(link).context["cl"].result_list) == [drought]


def test_past_the_newest_failures_the_page_says_so(staff, monkeypatch):
    operator = staff("operator")
    dead(), dead()
    assert len(operator.get(PAGE).context["panels"]) == 1
    monkeypatch.setattr(failures, "LOOK_AT", 1)
    note, table = operator.get(PAGE).context["panels"]
    assert "Only the newest 1 failures" in note.text and table.rows[0][2] == "1"


def test_an_error_without_a_type_cannot_be_acted_on_as_a_group(staff):
    """Its filter would find the other errors of the task too."""
    dead(error="")
    assert "matching" not in str(letters(staff("operator")))


@pytest.mark.parametrize("action", ["retry", "discard"])
def test_the_question_says_how_many_it_is_about_and_asks_why(staff, action):
    operator = staff("operator")
    dead(), dead(), dead("garden.Frost")
    row = next(row for row in letters(operator) if row[1] == "Drought")
    links = [part.partition('"')[0].replace("&amp;", "&") for part in row[6].split('href="')[1:]]
    [link] = [link for link in links if action in link]
    answer = operator.get(link)
    [facts] = answer.context["panels"]
    assert dict(facts.rows) == {"Tasks": "2", "State": "failed", "Name": "garden.note", "Error": "garden.Drought"}
    text = answer.content.decode()
    assert 'name="error" value="garden.Drought"' in text and 'name="reason"' in text
    refused = operator.post(link.partition("?")[0], {"state": "failed", "name": "garden.note"})
    assert list(refused.context["form"].errors) == ["reason"]


@pytest.mark.parametrize(
    ("query", "offered"),
    [
        ("", set()),
        ("queue=low", set()),
        ("state=completed", set()),
        ("state=failed", {"retry_matching", "discard_matching"}),
        ("state=cancelled", {"retry_matching"}),
        ("state=pending&queue=default&name=garden.note", {"cancel_matching"}),
        ("state=processing", {"cancel_matching"}),
        ("state=failed&q=garden.note", set()),
        ("state=pending&created_at__gte=2026-01-01T00:00Z", set()),
    ],
)
def test_all_matching_is_offered_where_the_list_shows_what_it_would_do(staff, query, offered):
    operator, _ = staff("operator"), new_task()
    shown = buttons(operator, dict(part.split("=") for part in query.split("&") if part))
    assert set(shown) == offered
    assert all(url.endswith(f"?{query}") for url in shown.values())


def test_a_tasks_own_page_offers_nothing_about_others(staff):
    assert b"matching" not in staff("operator").get(f"{TASKS}{dead().pk}/change/").content


def test_a_filter_must_name_a_known_state(staff):
    for state in ("", "bogus"):
        answer = staff("operator").post(f"{TASKS}cancel_matching/", {"state": state, "reason": "x"})
        assert answer.context["form"].errors["state"]


@pytest.mark.parametrize("action", ["retry", "discard", "cancel"])
def test_others_are_refused(staff, action):
    analyst = staff("analyst")
    assert analyst.get(PAGE).status_code == 403
    for method in (analyst.get, analyst.post):
        assert method(f"{TASKS}{action}_matching/", {"state": "failed", "reason": "x"}).status_code == 403


def test_a_confirmed_question_becomes_a_task_that_does_it(staff):
    pytest.importorskip("tasks.bulk")
    from audit.models import Entry
    from tasks.models import Task

    operator = staff("operator")
    dead()
    asked = {"state": "failed", "name": "garden.note", "error": "garden.Drought", "reason": "it rained"}
    answer = operator.post(f"{TASKS}discard_matching/", asked, follow=True)
    task = Task.objects.exclude(name="garden.note").latest("pk")
    assert answer.redirect_chain == [(f"{TASKS}{task.pk}/change/", 302)]
    entry = Entry.objects.filter(entity_id=str(task.pk)).latest("pk")
    assert entry.metadata["reason"] == "it rained" and entry.actor == f"user:{operator.person.pk}"
