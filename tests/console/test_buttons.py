"""Buttons call services, leave an audit entry, and answer a wrong state with a sentence."""

import pytest

from audit.models import Entry
from features.intake.ingest import ingest
from features.models import Backfill
from tasks.models import Task
from tests import makers
from tests.console.conftest import new_task, told

pytestmark = pytest.mark.django_db
TASKS, SETS = "/admin/tasks/task/", "/admin/features/featuresetversion/"


def press(browser, task, button, reason="because"):
    return browser.post(f"{TASKS}{task.pk}/{button}/", {"reason": reason}, follow=True)


@pytest.mark.parametrize(
    ("button", "state", "action"),
    [
        ("retry", "failed", "task_retried"),
        ("retry", "cancelled", "task_retried"),
        ("cancel", "pending", "task_cancelled"),
        ("cancel", "processing", "task_cancelled"),
        ("discard", "failed", "task_discarded"),
    ],
)
def test_a_press_acts_once_and_says_who_did_it_from_where_and_why(staff, button, state, action):
    operator, task = staff("operator", REMOTE_ADDR="203.0.113.9"), new_task(state)
    answer = press(operator, task, button, reason="the gateway is back")
    assert len(told(answer)) == 1
    entry = Entry.objects.get(action=action)
    assert (entry.actor, entry.ip) == (f"user:{operator.person.pk}", "203.0.113.9")
    assert (entry.entity_type, entry.entity_id) == ("task", str(task.pk))
    assert entry.metadata["reason"] == "the gateway is back"


def test_retry_leads_to_the_new_task_and_leaves_the_old_one_as_it_ended(staff):
    task = new_task("failed")
    answer = press(staff("operator"), task, "retry")
    new = Task.objects.get(retry_of=task)
    assert answer.redirect_chain == [(f"{TASKS}{new.pk}/change/", 302)]
    assert (new.status, Task.objects.get(pk=task.pk).status) == ("pending", "failed")
    assert str(new.pk) in staff("operator").get(f"{TASKS}{task.pk}/change/").content.decode()


@pytest.mark.parametrize(
    ("button", "state", "sentence"),
    [
        ("retry", "completed", "Only a failed or cancelled task can be retried; this one is completed."),
        ("cancel", "failed", "This task is already failed."),
        ("discard", "pending", "Only a failed task that is still listed can be discarded."),
    ],
)
def test_a_wrong_state_is_refused_with_a_sentence(staff, button, state, sentence):
    task = new_task(state)
    assert told(press(staff("operator"), task, button)) == [sentence]
    assert Task.objects.get().status == state
    assert not Entry.objects.filter(entity_type="task").exists()


def test_a_task_is_retried_once(staff):
    operator, task = staff("operator"), new_task("failed")
    press(operator, task, "retry")
    assert told(press(operator, task, "retry")) == ["This task was already retried."]
    assert Task.objects.count() == 2


def test_looking_at_the_question_does_nothing(staff):
    operator, task = staff("operator"), new_task("failed")
    assert "Required; kept in the audit trail." in operator.get(f"{TASKS}{task.pk}/retry/").content.decode()
    assert Task.objects.count() == 1


def test_a_press_from_another_site_is_refused(staff):
    operator, task = staff("operator", enforce_csrf_checks=True), new_task("failed")
    assert press(operator, task, "retry").status_code == 403
    assert Task.objects.count() == 1


@pytest.mark.parametrize("reason", ["", "   ", "x" * 301])
def test_a_reason_that_is_missing_or_too_long_is_asked_for_again(staff, reason):
    answer = press(staff("operator"), new_task("failed"), "retry", reason=reason)
    assert answer.context["form"].errors
    assert Task.objects.count() == 1


def test_a_task_that_is_not_there_is_answered_with_a_sentence(staff):
    operator = staff("operator")
    for page in ("change", "retry", "cancel"):
        answer = operator.get(f"{TASKS}01a20233-0000-7000-8000-000000000000/{page}/", follow=True)
        assert answer.status_code == 200
    assert operator.get(f"{TASKS}nonsense/change/", follow=True).status_code == 200


def test_selected_tasks_are_asked_about_first_and_each_is_decided_alone(staff):
    operator = staff("operator")
    good, old, done = new_task("failed"), new_task("failed"), new_task("completed")
    press(operator, old, "retry")
    chosen = {"action": "retry", "_selected_action": [str(t.pk) for t in (good, old, done)], "select_across": "1"}
    asked = operator.post(TASKS, chosen)
    assert b"3 selected" in asked.content and Task.objects.filter(retry_of=good).count() == 0
    answer = operator.post(TASKS, chosen | {"confirmed": "yes", "reason": "all of them"}, follow=True)
    assert told(answer)[0] == "Retry: 1 done, 2 refused."
    assert "This task was already retried." in told(answer)
    assert Task.objects.filter(retry_of=good).count() == 1
    assert Entry.objects.get(action="task_retried", entity_id=str(good.pk)).metadata["reason"] == "all of them"


def test_rows_that_were_not_ticked_are_left_alone(staff):
    ticked, other = new_task("failed"), new_task("failed")
    chosen = {"action": "discard", "_selected_action": [str(ticked.pk)], "select_across": "1", "confirmed": "yes"}
    staff("operator").post(TASKS, chosen | {"reason": "old"})
    assert list(Task.objects.filter(discarded_at=None)) == [other]


def test_an_extraction_by_hand_leads_to_its_task(staff):
    operator = staff("operator")
    answer = operator.post(f"{SETS}extract/", {"batch_size": 7, "max_batches": 3, "reason": "audit"}, follow=True)
    started = Task.objects.get(name="features.batch_feature_extraction")
    assert answer.redirect_chain == [(f"{TASKS}{started.pk}/change/", 302)]
    assert started.kwargs == {"batch_size": 7, "max_batches": 3} and started.requested_by == operator.person
    entry = Entry.objects.get(action="batch_extraction_requested")
    assert (entry.actor, entry.entity_id) == (f"user:{operator.person.pk}", str(started.pk))
    assert entry.metadata["reason"] == "audit"


def test_a_backfill_by_hand_leads_to_its_page_and_a_second_press_joins_it(staff):
    operator = staff("operator")
    for _ in range(2):
        answer = operator.post(f"{SETS}backfill/", {"batch_size": 7, "max_batches": 3, "reason": "x"}, follow=True)
    started = Backfill.objects.get()
    assert answer.redirect_chain == [(f"/admin/features/backfill/{started.pk}/change/", 302)]
    assert (started.batch_size, started.max_batches, started.asked_by) == (7, 3, operator.person)
    assert Task.objects.filter(name="features.work_on_backfill").count() == 1


@pytest.mark.parametrize("sizes", [{"batch_size": 0, "max_batches": 1}, {"batch_size": 50, "max_batches": 1001}, {}])
def test_sizes_outside_the_limits_start_nothing(staff, sizes):
    assert staff("operator").post(f"{SETS}backfill/", sizes).context["form"].errors
    assert not Backfill.objects.exists()


def test_the_dry_run_counts_the_entities_that_wait_and_starts_nothing(staff):
    ingest([makers.watered("a"), makers.watered("a"), makers.watered("b")])
    [table] = staff("operator").get(f"{SETS}backfill/").context["panels"]
    assert {row[0]: row[2] for row in table.rows}["plot"] == "2"
    assert not Backfill.objects.exists()


WIZARD = {
    "entity_type": "plot",
    "scope": "waiting",
    "as_of": "",
    "batch_size": 4,
    "rate": 3,
    "workers": 2,
    "reason": "x",
}


def test_the_wizard_starts_only_what_its_estimate_was_seen_for(staff):
    ingest([makers.watered(plot) for plot in "abcdef"])
    operator, wizard = staff("operator"), "/admin/features/backfill/start/"
    assert operator.get(wizard).context["panels"] == []
    shown = operator.post(wizard, WIZARD).context
    [table] = shown["panels"]
    assert table.rows[0][:4] == ("plot", "6", "6", "2") and not Backfill.objects.exists()
    seen = {"seen": shown["form"]["seen"].value()}
    changed = operator.post(wizard, WIZARD | seen | {"batch_size": 3}).context
    assert changed["panels"] and not Backfill.objects.exists()
    answer = operator.post(wizard, WIZARD | seen, follow=True)
    backfill = Backfill.objects.get()
    assert told(answer) == ["The backfill was started."] and str(backfill.pk) in answer.redirect_chain[0][0]
    assert (backfill.batch_size, backfill.rate, backfill.workers, backfill.reason) == (4, 3, 2, "x")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"scope": "as_of"}, "as_of"),
        ({"as_of": "2026-01-01 00:00"}, "as_of"),
        ({"feature_sets": ["core_behavioral@v1"]}, "feature_sets"),
        ({"workers": 0}, "workers"),
    ],
)
def test_the_wizard_tells_what_is_wrong(staff, wrong, field):
    asked = staff("operator").post("/admin/features/backfill/start/", WIZARD | wrong).context
    assert set(asked["form"].errors) == {field} and asked["panels"] == []


def test_a_backfill_is_paused_resumed_and_cancelled_with_a_reason(staff):
    operator = staff("operator")
    operator.post(f"{SETS}backfill/", {"batch_size": 7, "max_batches": 3})
    backfill = Backfill.objects.get()
    for button, state in (("pause", "paused"), ("resume", "planned"), ("cancel", "cancelled")):
        address = f"/admin/features/backfill/{backfill.pk}/{button}/"
        assert operator.post(address, {"reason": ""}).context["form"].errors
        assert staff("analyst").post(address, {"reason": "mine"}).status_code == 403
        operator.post(address, {"reason": "month end"})
        backfill.refresh_from_db()
        assert (backfill.state, backfill.note) == (state, "month end")
    answer = operator.post(address, {"reason": "again"}, follow=True)
    assert told(answer)[-1] == "This backfill is cancelled."
