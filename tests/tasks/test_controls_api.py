"""Pauses, limits and periodic tasks over HTTP."""

import pytest

from audit.models import Entry
from tasks.models import Control, Schedule, Task
from tests import makers

pytestmark = pytest.mark.django_db
URL = "/api/v1/tasks"


@pytest.fixture(autouse=True)
def _queues(redis):
    """Bells ring here that nobody hears."""


@pytest.fixture
def operator():
    return makers.client(makers.user("operator"))


@pytest.mark.parametrize(("place", "name"), [("queues", "low"), ("names", "garden.note")])
def test_pause_limit_and_resume_are_told_and_kept_in_the_trail(operator, place, name):
    paused = operator.post(f"{URL}/{place}/{name}/pause", {"reason": "repair"}, format="json")
    assert paused.status_code == 200 and paused.json()["paused_at"] and paused.json()["reason"] == "repair"
    limited = operator.post(f"{URL}/{place}/{name}/limit", {"max_running": 2, "reason": "slow"}, format="json")
    assert limited.json()["max_running"] == 2
    shown = {row["name"]: row for row in operator.get(f"{URL}/{place}").json()}
    assert shown[name]["paused_at"] and shown[name]["max_running"] == 2
    assert operator.post(f"{URL}/{place}/{name}/resume").json()["paused_at"] is None
    freed = operator.post(f"{URL}/{place}/{name}/limit", {"max_running": None}, format="json")
    assert freed.json()["max_running"] is None
    kind = "queue" if place == "queues" else "task"
    actions = [f"{kind}_paused", f"{kind}_limited", f"{kind}_resumed", f"{kind}_limited"]
    entries = Entry.objects.filter(entity_type={"task": "task_name"}.get(kind, kind), entity_id=name)
    assert list(entries.order_by("id").values_list("action", flat=True)) == actions


def test_every_queue_and_name_is_listed(operator):
    assert [row["name"] for row in operator.get(f"{URL}/queues").json()] == ["high", "default", "low"]
    assert {"garden.note", "tasks.act_on_matching"} <= {row["name"] for row in operator.get(f"{URL}/names").json()}


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("queues/unknown/pause", {"reason": "x"}, 404),
        ("names/garden.unknown/resume", {}, 404),
        ("schedules/garden.note/run-now", {}, 404),
        ("schedules/garden.note/pause", {"reason": "x"}, 404),
        ("queues/low/pause", {}, 400),
        ("schedules/garden.hourly/pause", {"reason": ""}, 400),
        ("queues/low/limit", {"max_running": 0}, 400),
        ("queues/low/limit", {}, 400),
        ("queues/low/resume", {"because": "x"}, 400),
    ],
)
def test_what_is_unknown_or_unclear_is_a_problem(operator, path, body, status):
    answer = operator.post(f"{URL}/{path}", body, format="json")
    assert answer.status_code == status and answer["Content-Type"] == "application/problem+json"
    assert not Control.objects.exclude(paused_at=None).exists()


def test_who_only_looks_may_not_touch():
    auditor = makers.client(makers.user("auditor"))
    assert auditor.get(f"{URL}/queues").status_code == auditor.get(f"{URL}/schedules").status_code == 200
    for path in ("queues/low/pause", "names/garden.note/limit", "schedules/garden.hourly/run-now"):
        assert auditor.post(f"{URL}/{path}", {"reason": "x"}, format="json").status_code == 403
    assert makers.client(makers.user()).get(f"{URL}/queues").status_code == 403


def test_a_periodic_task_runs_out_of_turn_pauses_and_goes_on(operator):
    rows = {row["name"]: row for row in operator.get(f"{URL}/schedules").json()}
    assert rows["garden.hourly"]["rhythm"] == "every 3600 s" and rows["garden.hourly"]["paused_at"] is None
    answer = operator.post(f"{URL}/schedules/garden.hourly/run-now", {"reason": "now please"}, format="json")
    task = Task.objects.get(name="garden.hourly")
    assert (answer.status_code, answer["Location"]) == (202, f"{URL}/{task.pk}")
    paused = operator.post(f"{URL}/schedules/garden.hourly/pause", {"reason": "holidays"}, format="json")
    assert paused.json()["reason"] == "holidays" and Schedule.objects.get(pk="garden.hourly").paused_at
    assert operator.post(f"{URL}/schedules/garden.hourly/resume").json()["paused_at"] is None
    assert Entry.objects.filter(action__startswith="schedule_").count() == 3
