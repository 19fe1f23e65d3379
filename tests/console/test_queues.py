"""Queues and limits: every one is listed with what waits and runs, and what an operator sets holds and is noted."""

from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings

from audit.models import Entry
from tasks import backlog
from tasks.claims import claim_next
from tasks.definitions import registered_names
from tasks.models import Control, Task
from tests.console.conftest import new_task, told

pytestmark = pytest.mark.django_db
PAGE = "/admin/tasks/control/"


def tables(browser) -> dict:
    return {panel.title: panel for panel in browser.get(PAGE).context["panels"]}


def row_of(browser, table: str, name: str) -> list[str]:
    [row] = [row for row in tables(browser)[table].rows if f">{name}</a>" in row[0]]
    return [str(cell) for cell in row]


def control(browser, kind: str, name: str) -> Control:
    browser.get(PAGE)
    return Control.objects.get(kind=kind, name=name)


def press(browser, row: Control, button: str, **data):
    return browser.post(f"{PAGE}{row.pk}/{button}/", data, follow=True)


def test_the_page_lists_every_queue_and_every_task_name_and_writes_nothing_the_second_time(staff):
    operator = staff("operator")
    shown = tables(operator)
    assert [len(shown["Queues"].rows), len(shown["Task names"].rows)] == [len(settings.QUEUES), len(registered_names())]
    before = set(Control.objects.values_list("pk", flat=True))
    tables(operator)
    assert set(Control.objects.values_list("pk", flat=True)) == before


def test_waiting_tasks_are_those_that_are_due_and_the_oldest_is_told(staff):
    operator, now = staff("operator"), datetime.now(UTC)
    new_task(run_after=now - timedelta(minutes=7))
    new_task(run_after=now - timedelta(minutes=3), priority=9)
    new_task(run_after=now + timedelta(hours=1))
    new_task("processing")
    for table, name in (("Queues", "default"), ("Task names", "garden.note")):
        row = row_of(operator, table, name)
        assert ">2</a>" in row[1] and ">1</a>" in row[2] and "7 min" in row[3]
    assert row_of(operator, "Queues", "low")[1:4] == ["0", "0", '<span class="mr-nowrap"></span>']


def test_a_long_queue_is_counted_no_further_than_needed(staff, monkeypatch):
    monkeypatch.setattr(backlog, "COUNT_TO", 3)
    for _ in range(5):
        new_task()
    assert ">3+</a>" in row_of(staff("operator"), "Queues", "default")[1]


def test_a_pause_keeps_tasks_from_starting_until_it_is_resumed_and_says_who_and_why(staff):
    operator = staff("operator")
    new_task()
    row = control(operator, "queue", "default")
    answer = press(operator, row, "pause", reason="the bank is closed")
    assert told(answer) == ["Nothing of it starts any more; what runs goes on."]
    assert claim_next(["default"], worker="w") is None
    shown = row_of(operator, "Queues", "default")
    assert "paused" in shown[6] and f"by {operator.person}: the bank is closed" in shown[6]
    text = answer.content.decode()
    assert "button-resume" in text and "button-pause" not in text
    press(operator, row, "resume", reason="it opened")
    assert claim_next(["default"], worker="w") is not None
    entries = Entry.objects.filter(entity_type="queue", entity_id="default").order_by("pk")
    assert [(e.action, e.metadata["reason"]) for e in entries] == [
        ("queue_paused", "the bank is closed"),
        ("queue_resumed", "it opened"),
    ]
    assert {e.actor for e in entries} == {f"user:{operator.person.pk}"}


def test_a_limit_is_set_and_taken_away(staff):
    operator = staff("operator")
    row = control(operator, "task", "garden.note")
    new_task("processing")
    new_task()
    press(operator, row, "limit", max_running=1, reason="one at a time")
    assert claim_next(["default"], worker="w") is None
    assert row_of(operator, "Task names", "garden.note")[5] == "1"
    press(operator, row, "limit", max_running="", reason="enough")
    assert claim_next(["default"], worker="w") is not None
    entry = Entry.objects.filter(action="task_limited", entity_type="task_name").latest("pk")
    assert entry.metadata == {"max_running": None, "was": 1, "reason": "enough"}


@pytest.mark.parametrize(
    ("button", "data"),
    [("pause", {}), ("limit", {"max_running": 5}), ("limit", {"max_running": 0, "reason": "x"}),
     ("limit", {"max_running": 40_000, "reason": "x"})],
)  # fmt: skip
def test_without_a_reason_or_with_a_limit_that_is_none_nothing_happens(staff, button, data):
    operator = staff("operator")
    row = control(operator, "queue", "low")
    assert press(operator, row, button, **data).context["form"].errors
    row.refresh_from_db()
    assert (row.paused_at, row.max_running) == (None, None) and not Entry.objects.filter(entity_id="low").exists()


def test_a_name_that_the_code_has_lost_is_shown_as_such_and_cannot_be_paused(staff):
    operator, row = staff("operator"), Control.objects.create(kind="task", name="garden.gone")
    assert "not in code" in row_of(operator, "Task names", "garden.gone")[0]
    assert told(press(operator, row, "pause", reason="x")) == ["There is no task named garden.gone."]


def test_who_may_only_look_gets_no_button_and_is_refused(staff):
    operator = staff("operator")
    row = control(operator, "queue", "default")
    for role in ("analyst", "auditor", "reviewer"):
        browser = staff(role)
        assert browser.get(PAGE).status_code == 403
        for button in ("pause", "resume", "limit"):
            assert browser.post(f"{PAGE}{row.pk}/{button}/", {"reason": "x", "max_running": 1}).status_code == 403


def test_a_waiting_tasks_page_says_what_holds_it(staff):
    operator, task = staff("operator"), new_task()
    assert "when a worker is free" in operator.get(f"/admin/tasks/task/{task.pk}/live/").content.decode()
    press(operator, control(operator, "task", "garden.note"), "pause", reason="no ink")
    text = operator.get(f"/admin/tasks/task/{task.pk}/change/").content.decode()
    assert "not while task garden.note is paused: no ink" in text
    Task.objects.filter(pk=task.pk).update(run_after=datetime.now(UTC) + timedelta(hours=3))
    press(operator, control(operator, "task", "garden.note"), "resume")
    assert "in 3" in operator.get(f"/admin/tasks/task/{task.pk}/live/").content.decode()
