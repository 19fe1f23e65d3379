"""What two connections, or a row's odd past, could do to a task."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from tasks import claims, store
from tasks.models import Attempt, Status, Task
from tests.garden import tasks as garden
from tests.processes import eventually

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_cancellation_on_its_way_while_the_worker_dies_is_not_overlooked(redis):
    """The dead worker's row is locked by the cancellation; who takes it must see what that wrote."""
    result = garden.note.enqueue(name="x")
    claims.claim(result.id, worker="w")
    taken: list = []

    def take() -> None:
        taken.extend(store.crashed(worker="w", message="gone"))
        connections.close_all()

    thread = threading.Thread(target=take)
    with transaction.atomic():
        Task.objects.select_for_update().get(pk=result.id)
        thread.start()
        eventually(lambda: waits_for_a_lock(), within_s=5)
        Task.objects.filter(pk=result.id).update(cancel_requested_at=timezone.now())
    thread.join(10)
    assert taken == [(result.id, Status.CANCELLED)]


def waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return cursor.fetchone()[0] > 0


def test_an_attempt_that_keeps_losing_its_connection_ends_some_time(redis):
    result = garden.note.using(max_attempts=2).enqueue(name="x")
    for _ in range(store.MAX_HANDED_BACK + 2):
        Task.objects.filter(pk=result.id).update(run_after=timezone.now() - timedelta(seconds=9))
        claim = claims.claim(result.id, worker="w")
        assert store.hand_back(claim=claim, reason="lost")
    task = Task.objects.get(pk=result.id)
    assert (task.status, task.handed_back, task.attempt) == (Status.FAILED, store.MAX_HANDED_BACK, 22)


def test_a_late_attempt_has_a_backoff_that_can_be_counted(redis):
    result = garden.fail.using(max_attempts=5000).enqueue(how="temporary")
    Task.objects.filter(pk=result.id).update(attempt=3000)
    claim = claims.claim(result.id, worker="w")
    assert store.timed_out(worker="w", message="late") == [(result.id, Status.PENDING)]
    assert garden.fail.backoff_s(claim.attempt) == 0.4


def test_a_claim_that_the_server_forgot_in_a_crash_is_not_mistaken_for_the_next(redis):
    """Claims do not wait for the disk: after a power cut the row may be as it was before, and its holder still run."""
    result = garden.note.enqueue(name="x")
    forgotten = claims.claim(result.id, worker="survivor")
    Task.objects.filter(pk=result.id).update(
        status=Status.PENDING, attempt=0, lease_token=0, lease_until=None, worker="", started_at=None
    )
    claim = claims.claim_next(["default"], worker="next")
    assert claim.attempt == forgotten.attempt
    assert not store.fence(forgotten) and store.renew(forgotten, progress=1, message="") is None
    assert store.hand_back(claim=forgotten, reason="x") == []
    assert not store.end(forgotten, status=Status.COMPLETED, outcome=Attempt.Outcome.COMPLETED, result="1")
    assert store.end(claim, status=Status.COMPLETED, outcome=Attempt.Outcome.COMPLETED, result="2")


def test_a_claim_that_begins_at_the_last_one_comes_back_to_what_was_due_before(redis):
    due = [timezone.now() - timedelta(minutes=minutes) for minutes in (3, 2, 1)]
    early, middle, late = [garden.note.using(run_after=at).enqueue(name=str(at)).id for at in due]
    last = claims.claim(middle, worker="w")
    taken = [claims.claim_next(["default"], worker="w", since=last) for _ in range(3)]
    assert [claim and claim.id for claim in taken] == [late, early, None]
