"""Periodic tasks: all are listed, and an operator runs, pauses and resumes one."""

from datetime import UTC, datetime, timedelta

import pytest

from audit.models import Entry
from tasks import schedules
from tasks.definitions import periodic_tasks
from tasks.models import PeriodicRun, Schedule, Task
from tests.console.conftest import new_task, told

pytestmark = pytest.mark.django_db
PAGE = "/admin/tasks/schedule/"
ROW = f"{PAGE}garden.hourly/"


def rows(browser) -> dict:
    [table] = browser.get(PAGE).context["panels"]
    return {row[0].partition(">")[2].partition("<")[0]: row for row in table.rows}


def press(browser, button: str, reason: str = "because"):
    return browser.post(f"{ROW}{button}/", {"reason": reason}, follow=True)


def test_the_page_lists_what_the_code_declares_before_any_scheduler_ran(staff):
    shown = rows(staff("operator"))
    assert set(shown) == {periodic.task.name for periodic in periodic_tasks()}
    assert shown["garden.hourly"][1] == "every 3600 s" and shown["garden.hourly"][5] == "latest"
    assert shown["garden.hourly"][4] == "when a scheduler runs"


def test_last_slot_next_slot_and_last_task_are_shown_and_lead_on(staff):
    schedules.declare()
    [periodic] = [one for one in periodic_tasks() if one.task.name == "garden.hourly"]
    assert schedules.tick(periodic) == 1
    task, row = Task.objects.get(name="garden.hourly"), Schedule.objects.get(pk="garden.hourly")
    operator = staff("operator")
    shown = rows(operator)["garden.hourly"]
    assert f"{row.last_slot:%Y-%m-%d %H:%M:%S}" in shown[2] and f"{row.next_slot:%Y-%m-%d %H:%M:%S}" in shown[4]
    assert str(task.pk) in shown[3] and "pending" in shown[3]
    text = operator.get(f"{ROW}change/").content.decode()
    for word in ("Runs once an hour.", "Recent runs", f"{row.last_slot:%Y-%m-%d %H:%M:%S}", str(task.pk)):
        assert word in text


def test_a_slot_that_is_long_past_asks_for_the_scheduler(staff):
    schedules.declare()
    Schedule.objects.filter(pk="garden.hourly").update(next_slot=datetime.now(UTC) - timedelta(minutes=5))
    assert "no scheduler?" in rows(staff("operator"))["garden.hourly"][4]


def test_every_schedules_page_opens_whatever_its_name(staff):
    """Names hold `_fe` and the like, which the admin's addresses would read as escapes."""
    operator = staff("operator")
    for name, row in rows(operator).items():
        link = row[0].partition('href="')[2].partition('"')[0]
        assert operator.get(link).context["original"].pk == name


def test_run_now_starts_a_task_also_while_it_is_paused_and_leads_to_it(staff):
    operator = staff("operator")
    rows(operator)
    press(operator, "pause", "the bank is closed")
    answer = press(operator, "run_now", "once, by hand")
    task = Task.objects.get(name="garden.hourly")
    assert answer.redirect_chain == [(f"/admin/tasks/task/{task.pk}/change/", 302)]
    assert not PeriodicRun.objects.exists()
    entry = Entry.objects.get(action="schedule_run")
    assert (entry.entity_id, entry.metadata) == ("garden.hourly", {"reason": "once, by hand", "task": str(task.pk)})


def test_a_pause_is_shown_and_noted_and_ends_with_resume(staff):
    operator = staff("operator")
    rows(operator)
    answer = press(operator, "pause", "the bank is closed")
    assert told(answer) == ["No slot of it starts any more until it is resumed."]
    assert "button-resume" in answer.content.decode() and "button-pause" not in answer.content.decode()
    shown = rows(operator)["garden.hourly"]
    assert "paused" in shown[6] and f"by {operator.person}: the bank is closed" in shown[6] and shown[4] == ""
    press(operator, "resume", "it opened")
    assert rows(operator)["garden.hourly"][6] == ""
    assert list(Entry.objects.filter(entity_type="schedule").order_by("pk").values_list("action", flat=True)) == [
        "schedule_paused",
        "schedule_resumed",
    ]


def test_a_pause_needs_a_reason(staff):
    operator = staff("operator")
    rows(operator)
    assert press(operator, "pause", "").context["form"].errors
    assert Schedule.objects.get(pk="garden.hourly").paused_at is None


def test_a_schedule_that_the_code_has_lost_is_shown_and_cannot_be_run(staff):
    operator = staff("operator")
    Schedule.objects.create(name="garden.gone", rhythm="every 60 s", last_task=new_task("completed"))
    assert "not in code" in rows(operator)["garden.gone"][0]
    answer = operator.post(f"{PAGE}garden.gone/run_now/", {"reason": "x"}, follow=True)
    assert told(answer) == ["No periodic task is named garden.gone."]


def test_looking_writes_only_what_is_new(staff, django_assert_num_queries):
    schedules.declare()
    with django_assert_num_queries(2):
        schedules.declare()


@pytest.mark.parametrize("role", ["analyst", "auditor", "reviewer"])
def test_others_are_refused(staff, role):
    rows(staff("operator"))
    browser = staff(role)
    assert browser.get(PAGE).status_code == browser.get(f"{ROW}change/").status_code == 403
    for button in ("run_now", "pause", "resume"):
        assert press(browser, button).status_code == 403
