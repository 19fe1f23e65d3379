"""Retry, discard or cancel every task that meets a filter."""

import pytest
from django.db.models.functions import Now

from audit.models import Entry
from tasks import bulk, claims
from tasks.execution import run_task
from tasks.models import Status, Task
from tests import makers
from tests.processes import eventually
from tests.tasks.test_lists import made

pytestmark = pytest.mark.django_db(transaction=True)
URL = "/api/v1/tasks/bulk"


@pytest.fixture(autouse=True)
def _queues(redis):
    """Every test here rings bells that nobody hears."""


@pytest.fixture
def operator():
    return makers.client(makers.user("operator"))


def ask(client, action: str, conditions: dict, **more):
    return client.post(URL, {"action": action, "filter": conditions, "reason": "cleaning", **more}, format="json")


def many(number: int, status: str = "failed", **fields) -> None:
    fields |= {"completed_at": Now()} if status in ("failed", "cancelled", "completed") else {}
    row = {"name": "garden.note", "queue_name": "default", "status": status, **fields}
    Task.objects.bulk_create([Task(**row) for _ in range(number)])


def test_a_dry_run_counts_exactly_and_changes_nothing(operator, monkeypatch):
    many(7)
    made("failed", discarded_at=Now())
    made()
    answer = ask(operator, "retry", {"name": "garden.note"}, dry_run=True)
    assert (answer.status_code, answer.json()) == (200, {"matching": 7, "at_least": False})
    monkeypatch.setattr(bulk, "COUNTED_TO", 5)
    assert ask(operator, "discard", {"queue": "default"}, dry_run=True).json() == {"matching": 5, "at_least": True}
    assert Task.objects.filter(retry_of=None).count() == Task.objects.count() == 9


def test_all_that_match_are_retried_in_chunks_and_the_trail_tells_twice(operator, monkeypatch):
    monkeypatch.setattr(bulk, "CHUNK", 4)
    many(11)
    other = made("failed", name="garden.slow")
    answer = ask(operator, "retry", {"status": ["failed"], "name": "garden.note"})
    assert answer.status_code == 202 and answer["Location"] == f"/api/v1/tasks/{answer.json()['task_id']}"
    many(2)  # failed later: not meant
    run_task(answer.json()["task_id"])
    assert Task.objects.get(pk=answer.json()["task_id"]).result == {"action": "retry", "count": 11}
    assert Task.objects.filter(retry_of__isnull=False, status=Status.PENDING).count() == 11
    assert not Task.objects.filter(retry_of=other).exists()
    asked, done = Entry.objects.filter(action__startswith="tasks_bulk").order_by("id")
    assert asked.metadata["reason"] == done.metadata["reason"] == "cleaning"
    assert (asked.action, done.action, done.metadata["count"]) == ("tasks_bulk_asked", "tasks_bulk_done", 11)
    assert asked.actor.startswith("user:") and done.metadata["by"] == int(asked.actor.removeprefix("user:"))


def test_cancelling_ends_what_waits_asks_what_runs_and_spares_itself(operator):
    many(3, "pending")
    running = made("processing")
    ended = made("completed")
    task_id = ask(operator, "cancel", {"status": ["pending", "processing", "completed"]}).json()["task_id"]
    run_task(task_id)
    assert Task.objects.get(pk=task_id).result == {"action": "cancel", "count": 4}
    assert Task.objects.filter(status=Status.CANCELLED, cancel_requested_at__isnull=False).count() == 3
    running.refresh_from_db()
    ended.refresh_from_db()
    assert running.cancel_requested_at and running.status == Status.PROCESSING and ended.cancel_requested_at is None


def test_discarding_takes_them_off_the_dead_letters(operator):
    many(3, error_type="E")
    many(1, error_type="F")
    run_task(ask(operator, "discard", {"error_type": "E"}).json()["task_id"])
    assert list(Task.objects.dead_letters().values_list("error_type", flat=True)) == ["F"]


def test_an_attempt_that_dies_half_way_is_continued_and_counts_stay_exact(operator, monkeypatch):
    monkeypatch.setattr(bulk, "CHUNK", 4)
    many(10)
    task_id = ask(operator, "retry", {"status": ["failed"]}).json()["task_id"]
    once = []

    def dying(ids):
        if len(once) == 2:
            monkeypatch.setitem(bulk.ACTIONS, "retry", bulk._retry)
            raise RuntimeError("the lights went out")
        once.append(1)
        return bulk._retry(ids)

    monkeypatch.setitem(bulk.ACTIONS, "retry", dying)
    run_task(task_id)
    assert Task.objects.filter(retry_of__isnull=False).count() == 8
    Task.objects.filter(pk=task_id).update(run_after=Now())
    run_task(task_id)
    assert Task.objects.get(pk=task_id).result == {"action": "retry", "count": 10}
    assert Task.objects.filter(retry_of__isnull=False).count() == 10
    assert Entry.objects.filter(action="tasks_bulk_done").count() == 1


def test_an_attempt_that_lost_its_lease_changes_nothing_more(operator, monkeypatch):
    many(3)
    task_id = ask(operator, "discard", {"status": ["failed"]}).json()["task_id"]

    def overtaken(ids):
        Task.objects.filter(pk=task_id).update(lease_token=99)
        return 0

    monkeypatch.setitem(bulk.ACTIONS, "discard", lambda ids: overtaken(ids) or real(ids))
    real = bulk._update(bulk.DISCARD)
    run_task(task_id)
    assert Task.objects.dead_letters().count() == 3
    assert not Entry.objects.filter(action="tasks_bulk_done").exists()


@pytest.mark.parametrize(
    "body",
    [
        {"action": "retry", "filter": {}, "reason": "x"},
        {"action": "retry", "filter": {"status": ["failed"]}},
        {"action": "retry", "filter": {"status": ["failed"]}, "reason": " "},
        {"action": "delete", "filter": {"status": ["failed"]}, "reason": "x"},
        {"action": "retry", "filter": {"state": "failed"}, "reason": "x"},
        {"action": "retry", "reason": "x"},
    ],
)
def test_what_is_not_meant_exactly_is_refused(operator, body):
    assert operator.post(URL, body, format="json").status_code == 400
    assert not Task.objects.exists()


def test_a_worker_does_it(processes, operator):
    processes.worker()
    many(1_200)
    task_id = ask(operator, "discard", {"name": "garden.note"}).json()["task_id"]
    eventually(lambda: Task.objects.get(pk=task_id).status == Status.COMPLETED, log=processes.log)
    assert Task.objects.get(pk=task_id).result["count"] == 1_200 and not Task.objects.dead_letters().exists()
    assert claims.claim_next(["default", "low"], worker="w") is None
