"""The list of tasks, one task, and what may be done to it over HTTP."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from audit.models import Entry
from tasks import claims, dead_letters, store
from tasks.execution import run_task
from tasks.filters import first_id
from tasks.models import Attempt, Status, Task
from tests import makers
from tests.garden import tasks as garden

pytestmark = pytest.mark.django_db(transaction=True)
URL = "/api/v1/tasks/"


@pytest.fixture(autouse=True)
def _queues(redis):
    """Every test here rings bells that nobody hears."""


@pytest.fixture
def operator():
    return makers.client(makers.user("operator"))


def made(status: str = "pending", **fields) -> Task:
    """A task row in a state, with what that state needs."""
    if status in ("completed", "failed", "cancelled"):
        fields = {"completed_at": Now(), "started_at": Now(), **fields}
    if status == "processing":
        fields = {"lease_until": Now() + timedelta(hours=1), "attempt": 1, **fields}
    row = {"name": "garden.note", "queue_name": "default", "kwargs": {"name": "x"}, "status": status, **fields}
    return Task.objects.get(pk=Task.objects.create(**row).pk)


def failed_task(**fields) -> Task:
    result = garden.fail.using(**fields).enqueue(how="permanent")
    run_task(result.id)
    return Task.objects.get(pk=result.id)


def ids(client, query: str = "") -> list[str]:
    answer = client.get(URL + query)
    assert answer.status_code == 200, answer.content
    return [row["task_id"] for row in answer.json()["results"]]


def test_the_list_is_newest_first_in_pages_that_miss_and_repeat_nothing(operator):
    rows = [str(made().pk) for _ in range(7)]
    page = operator.get(URL + "?limit=3").json()
    seen = []
    while True:
        seen += [row["task_id"] for row in page["results"]]
        made()  # what comes in between moves no page
        if page["next"] is None:
            break
        page = operator.get(page["next"]).json()
    assert seen == rows[::-1]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?status=failed", ["failed"]),
        ("?status=failed,cancelled", ["cancelled", "failed"]),
        ("?status=failed&status=pending", ["failed", "pending"]),
        ("?name=garden.slow", ["named"]),
        ("?queue=high", ["queued"]),
        ("?subject_type=plot&subject_id=7", ["about"]),
        ("?correlation_id=abc", ["traced"]),
        ("?error_type=builtins.ValueError", ["failed"]),
        ("?error_type=ValueError", []),
        ("?discarded=true", ["discarded"]),
        ("?discarded=false", ["failed"]),
        ("?queue=high&status=completed", []),
    ],
)
def test_each_filter_finds_what_it_names(operator, query, found):
    rows = {
        "pending": made(),
        "failed": made("failed", error_type="builtins.ValueError"),
        "discarded": made("failed", discarded_at=Now(), error_type="x"),
        "cancelled": made("cancelled"),
        "named": made("completed", name="garden.slow"),
        "queued": made("processing", queue_name="high"),
        "about": made("completed", subject_type="plot", subject_id="7"),
        "traced": made("completed", correlation_id="abc"),
    }
    expected = {str(rows[name].pk) for name in found} | (
        {str(rows["discarded"].pk)} if "status=failed" in query else set()
    )
    assert set(ids(operator, query)) == expected


def test_times_are_those_of_the_ids(operator):
    old, new = made(), made()
    moment = timezone.now() - timedelta(days=3)
    long_ago = first_id(moment)
    Task.objects.filter(pk=old.pk).update(id=long_ago)
    border = (moment + timedelta(days=1)).isoformat().replace("+00:00", "Z")
    assert ids(operator, f"?created_before={border}") == [str(long_ago)]
    assert ids(operator, f"?created_after={border}") == [str(new.pk)]


@pytest.mark.parametrize(
    "query",
    ["?state=failed", "?status=broken", "?subject_type=plot", "?created_after=yesterday", "?discarded=perhaps",
     "?requested_by=me", "?limit=1000", "?queue="],
)  # fmt: skip
def test_a_filter_that_is_not_understood_is_a_problem(operator, query):
    answer = operator.get(URL + query)
    assert answer.status_code == 400 and answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("cursor", ["x", "cD1ub3QtYS11dWlk", "cD0yMDI2LTAxLTAx"])
def test_a_cursor_that_is_not_ours_is_a_problem(operator, cursor):
    assert operator.get(f"{URL}?cursor={cursor}").status_code == 404


def test_clients_see_their_own_and_may_not_ask_for_others():
    owner, other = makers.user(), makers.user()
    mine = made(requested_by=owner)
    theirs = made(requested_by=other)
    assert ids(makers.client(owner)) == [str(mine.pk)]
    assert makers.client(owner).get(f"{URL}?requested_by={other.pk}").status_code == 400
    assert ids(makers.client(makers.user("auditor")), f"?requested_by={other.pk}") == [str(theirs.pk)]


class TestOneTask:
    def test_it_lists_its_ended_attempts_and_its_worker_is_for_staff(self, operator):
        owner = makers.user()
        result = garden.fail.using(requested_by_id=owner.pk).enqueue(how="temporary")
        for number in (1, 2):
            Task.objects.update(run_after=Now())
            claim = claims.claim(result.id, worker=f"worker-{number}")
            store.end(claim, status=Status.PENDING, outcome=Attempt.Outcome.ERROR, error=("E", "no", "trace"), wait_s=0)
        shown = operator.get(URL + result.id).json()
        assert [(a["number"], a["worker"], a["outcome"]) for a in shown["attempt_history"]] == [
            (1, "worker-1", "error"),
            (2, "worker-2", "error"),
        ]
        assert shown["attempt_history"][0]["error"] == {"type": "E", "message": "no"}
        own = makers.client(owner).get(URL + result.id).json()
        assert shown["attempts"] == len(own["attempt_history"]) == 2
        assert not [a for a in own["attempt_history"] if "worker" in a]
        assert set(own["links"]) == {"self", "events", "cancel"}

    def test_it_is_read_by_one_statement(self, operator, django_assert_num_queries):
        task = made("failed", error_type="E")
        operator.get(f"{URL}{task.pk}")  # the connection has planned what it asks each time
        with django_assert_num_queries(2):  # who asks, and the task
            assert operator.get(f"{URL}{task.pk}").json()["links"].keys() >= {"retry", "discard"}


class TestCancel:
    def test_an_owner_cancels_what_waits_at_once_and_what_runs_in_a_moment(self):
        owner = makers.user()
        client = makers.client(owner)
        waiting, running = made(requested_by=owner), made("processing", requested_by=owner)
        answer = client.post(f"{URL}{waiting.pk}/cancel", {"reason": "changed my mind"}, format="json")
        assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
        assert Entry.objects.get(action="task_cancelled").metadata["reason"] == "changed my mind"
        answer = client.post(f"{URL}{running.pk}/cancel")
        assert (answer.status_code, answer["Location"]) == (202, f"{URL}{running.pk}")
        assert answer.json()["status"] == "processing" and answer.json()["cancel_requested_at"]

    def test_anothers_task_is_not_there_and_staff_who_only_look_may_not(self):
        task = made(requested_by=makers.user())
        assert makers.client(makers.user()).post(f"{URL}{task.pk}/cancel").status_code == 404
        assert makers.client(makers.user("auditor")).post(f"{URL}{task.pk}/cancel").status_code == 403
        assert Task.objects.get().status == Status.PENDING

    def test_an_ended_task_is_a_conflict(self, operator):
        answer = operator.post(f"{URL}{made('completed').pk}/cancel")
        assert answer.status_code == 409 and "already completed" in answer.json()["detail"]


class TestRetryAndDiscard:
    def test_a_retry_is_a_new_task_that_the_answer_names(self, operator):
        task = failed_task()
        answer = operator.post(f"{URL}{task.pk}/retry", {"reason": "fixed"}, format="json")
        new = Task.objects.get(retry_of=task)
        assert (answer.status_code, answer["Location"]) == (202, f"{URL}{new.pk}")
        assert answer.json()["links"]["retry_of"] == f"{URL}{task.pk}"
        assert operator.get(f"{URL}{task.pk}").json()["retried_by"] == str(new.pk)
        assert operator.post(f"{URL}{task.pk}/retry").status_code == 409

    def test_a_discard_is_told_and_not_done_twice(self, operator):
        task = failed_task()
        answer = operator.post(f"{URL}{task.pk}/discard", {"reason": "known"}, format="json")
        assert answer.status_code == 200 and answer.json()["discarded_at"]
        assert operator.post(f"{URL}{task.pk}/discard").status_code == 409

    def test_they_are_for_operators_and_for_tasks_that_are_there(self, operator):
        owner = makers.user()
        task = failed_task(requested_by_id=owner.pk)
        for verb in ("retry", "discard"):
            assert makers.client(owner).post(f"{URL}{task.pk}/{verb}").status_code == 403
            assert operator.post(f"{URL}00000000-0000-0000-0000-000000000000/{verb}").status_code == 404
            assert operator.post(f"{URL}{task.pk}/{verb}", {"why": "x"}, format="json").status_code == 400


class TestDeadLetters:
    def test_they_are_grouped_by_name_and_error(self, operator):
        rows = [made("failed", error_type="A", error_message=f"broken {n}") for n in range(7)]
        rows.append(made("failed", error_type="B", name="garden.slow"))
        made("failed", error_type="A", discarded_at=Now())
        retried = made("failed", error_type="A")
        made("completed", retry_of=retried)
        answer = operator.get(URL + "dead-letters").json()
        assert answer["complete"] is True
        first, second = answer["results"]
        assert (first["name"], first["error_type"], first["count"]) == ("garden.note", "A", 7)
        assert first["task_ids"] == [str(row.pk) for row in rows[6:1:-1]] and first["message"] == "broken 6"
        assert first["first_at"] < first["last_at"]
        assert (second["name"], second["count"], second["task_ids"]) == ("garden.slow", 1, [str(rows[7].pk)])

    def test_a_hundred_groups_are_shown_and_that_there_are_more_is_said(self):
        for number in range(dead_letters.MOST_GROUPS + 1):
            made("failed", error_type=f"E{number}")
        groups, complete = dead_letters.grouped()
        assert len(groups) == dead_letters.MOST_GROUPS and not complete
