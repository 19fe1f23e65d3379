"""The helpers that domains test their tasks with."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import transaction
from django.utils import timezone

from tasks import controls, pulse, store
from tasks.claims import claim
from tasks.models import Attempt, Status, Task
from tasks.testing import advance, failing, run_due
from tests.garden import tasks as garden

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _queues(redis):
    """Bells ring and nobody hears."""


def test_what_is_due_runs_in_place_with_its_real_rows():
    garden.note.enqueue(name="a")
    later = garden.note.using(run_after=timezone.now() + timedelta(hours=1)).enqueue(name="b")
    assert run_due() == 1
    assert noted() == {"a"}
    assert Attempt.objects.get().outcome == Attempt.Outcome.COMPLETED
    advance(timedelta(hours=1))
    assert run_due() == 1 and Task.objects.get(pk=later.id).status == Status.COMPLETED


def test_what_takes_long_within_the_transaction_of_a_test_keeps_its_claim(monkeypatch):
    monkeypatch.setattr(pulse, "LOOK_S", 0.05)
    with transaction.atomic():
        result = garden.slow.enqueue(seconds=0.4)
        assert run_due() == 1
        assert Task.objects.get(pk=result.id).status == Status.COMPLETED


def noted() -> set[str]:
    """The effects of garden.note."""
    return set(Group.objects.filter(name__in=["a", "b"]).values_list("name", flat=True))


def test_the_nth_attempt_fails_and_its_effect_is_undone():
    result = garden.note.enqueue(name="a")
    with failing(garden.note, attempts=(1, 2), after=True):
        assert run_due() == 1  # the second waits for its backoff
        assert noted() == set()
        advance(timedelta(seconds=10))
        run_due()
        advance(timedelta(seconds=10))
        run_due()
    task = Task.objects.get(pk=result.id)
    assert (task.status, task.attempt) == (Status.COMPLETED, 3) and noted() == {"a"}
    assert [a.outcome for a in task.attempts.all()] == ["error", "error", "completed"]


def test_a_failure_can_be_permanent():
    garden.note.enqueue(name="a")
    with failing(garden.note, error=ValueError("no such plant")):
        run_due()
    assert Task.objects.get().error_message == "no such plant" and Task.objects.get().status == Status.FAILED
    garden.note.enqueue(name="b")
    assert run_due() == 1 and noted() == {"b"}


def test_time_that_passes_ends_a_lease():
    result = garden.note.enqueue(name="a")
    claim(result.id, worker="gone")
    assert store.expire() == []
    advance(timedelta(minutes=1))
    assert store.expire() == [(result.id, "pending")]


def test_a_paused_name_waits_in_place_too():
    controls.pause(kind="task", name="garden.note", reason="weeds")
    garden.note.enqueue(name="a")
    assert run_due() == 0
    controls.resume(kind="task", name="garden.note")
    assert run_due() == 1


def test_tasks_that_enqueue_themselves_are_found_out(monkeypatch):
    from tasks import testing

    monkeypatch.setattr(testing, "MOST", 3)
    for number in range(5):
        garden.note.enqueue(name=str(number))
    with pytest.raises(RuntimeError):
        run_due()
