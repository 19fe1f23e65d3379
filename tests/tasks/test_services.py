"""What people may do to tasks, keys, periodic runs, and results that grow old."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import connections
from django.utils import timezone

from audit.models import Entry
from tasks import claims, services, store
from tasks.definitions import periodic_tasks
from tasks.execution import run_task
from tasks.models import Attempt, PeriodicRun, Status, Task
from tasks.relay import relay
from tasks.rhythm import Every
from tasks.schedules import declare, tick
from tasks.sweep import drop_expired_results, fail_unknown
from tests import makers
from tests.garden import tasks as garden
from tests.processes import eventually

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _queues(redis):
    """Every test here rings bells that nobody hears."""


def failed_task() -> Task:
    result = garden.fail.enqueue(how="permanent")
    run_task(result.id)
    return Task.objects.get(pk=result.id)


class TestCancel:
    def test_a_pending_task_is_cancelled_at_once(self):
        result = garden.note.enqueue(name="x")
        assert services.cancel_task(task_id=result.id, reason="not needed").status == Status.CANCELLED
        run_task(result.id)
        assert (
            not Group.objects.filter(name="x").exists()
            and Entry.objects.get(action="task_cancelled").metadata["reason"]
        )

    def test_a_processing_task_is_asked_and_stops(self, processes):
        processes.worker(TASK_LEASE_S="3")
        result = garden.slow.enqueue(seconds=20, name="never")
        eventually(lambda: Task.objects.get(pk=result.id).status == Status.PROCESSING, log=processes.log)
        services.cancel_task(task_id=result.id)
        eventually(lambda: Task.objects.get(pk=result.id).status == Status.CANCELLED, log=processes.log)
        assert Attempt.objects.get().outcome == Attempt.Outcome.CANCELLED

    def test_a_cancelled_task_whose_worker_dies_is_not_tried_again(self):
        result = garden.note.enqueue(name="x")
        claims.claim(result.id, worker="w")
        services.cancel_task(task_id=result.id)
        Task.objects.update(lease_until="2020-01-01T00:00Z")
        assert store.expire() == [(result.id, Status.CANCELLED)]

    def test_a_failed_attempt_of_a_cancelled_task_is_not_tried_again(self):
        result = garden.fail.enqueue(how="temporary")
        claim = claims.claim(result.id, worker="w")
        services.cancel_task(task_id=result.id)
        store.end(claim, status=Status.PENDING, outcome=Attempt.Outcome.ERROR, wait_s=1)
        assert Task.objects.get().status == Status.CANCELLED

    def test_an_ended_task_cannot_be_cancelled(self):
        with pytest.raises(services.WrongState, match="already failed"):
            services.cancel_task(task_id=failed_task().pk)


class TestRetry:
    def test_a_failed_task_gets_a_successor_and_stays_as_it_ended(self):
        task = failed_task()
        new = services.retry_task(task_id=task.pk, reason="fixed")
        task.refresh_from_db()
        assert (task.status, new.status) == (Status.FAILED, Status.PENDING)
        assert new.retry_of == task and new.kwargs == task.kwargs
        assert task not in Task.objects.dead_letters()

    def test_it_is_retried_once_however_many_press(self):
        task = failed_task()

        def press(_):
            try:
                return str(services.retry_task(task_id=task.pk).pk)
            except services.WrongState:
                return None
            finally:
                connections.close_all()

        with ThreadPoolExecutor(4) as pool:
            pressed = [found for found in pool.map(press, range(4)) if found]
        assert len(pressed) == 1 and Task.objects.count() == 2

    def test_a_live_task_cannot_be_retried(self):
        with pytest.raises(services.WrongState):
            services.retry_task(task_id=garden.note.enqueue(name="x").id)

    def test_a_discarded_task_leaves_the_dead_letters_and_stays(self):
        task = failed_task()
        services.discard_task(task_id=task.pk)
        assert task not in Task.objects.dead_letters() and Task.objects.filter(pk=task.pk).exists()
        with pytest.raises(services.WrongState):
            services.discard_task(task_id=task.pk)


class TestKeys:
    def test_a_unique_key_has_one_live_task(self):
        keyed = garden.note.using(unique_key="one")
        first, second = keyed.enqueue(name="a"), keyed.enqueue(name="b")
        assert first.id == second.id
        run_task(first.id)
        assert keyed.enqueue(name="c").id != first.id

    def test_many_at_once_agree_on_one(self):
        keyed = garden.note.using(unique_key="one")

        def enqueue(number):
            try:
                return keyed.enqueue(name=str(number)).id
            finally:
                connections.close_all()

        with ThreadPoolExecutor(8) as pool:
            assert len(set(pool.map(enqueue, range(24)))) == 1

    def test_a_coalesce_key_joins_only_what_has_not_started(self):
        keyed = garden.note.using(coalesce_key="one")
        first = keyed.enqueue(name="a")
        assert keyed.enqueue(name="b").id == first.id
        claim = claims.claim(first.id, worker="w")
        second = keyed.enqueue(name="c")
        assert second.id != first.id
        # the first may still go back to wait for its retry beside the second
        assert store.end(claim, status=Status.PENDING, outcome=Attempt.Outcome.ERROR, wait_s=1)


class TestTime:
    def test_a_deferred_task_waits_for_its_time(self):
        later = garden.note.using(run_after=timezone.now() + timedelta(hours=1)).enqueue(name="later")
        run_task(later.id)
        assert Task.objects.get().status == Status.PENDING and relay() == 0
        Task.objects.update(run_after="2020-01-01T00:00Z")
        assert relay() == 1
        run_task(later.id)
        assert Task.objects.get().status == Status.COMPLETED

    def test_two_schedulers_start_a_slot_once(self):
        hourly = next(periodic for periodic in periodic_tasks() if periodic.task.name == "garden.hourly")

        declare()

        def one(_):
            try:
                return tick(hourly)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(6) as pool:
            assert sum(pool.map(one, range(12))) == 1
        assert Task.objects.filter(name="garden.hourly").count() == PeriodicRun.objects.count() == 1

    def test_batch_extraction_runs_every_five_minutes(self):
        [periodic] = [p for p in periodic_tasks() if p.task.name == "features.batch_feature_extraction"]
        assert periodic.rhythm == Every(timedelta(minutes=5))
        assert periodic.kwargs == {"batch_size": 50, "max_batches": 5}

    def test_old_results_are_dropped_and_the_row_says_so(self):
        result = garden.note.enqueue(name="x")
        run_task(result.id)
        assert drop_expired_results() == 0 and Task.objects.get().result == {"noted": "x"}
        Task.objects.update(completed_at=timezone.now() - timedelta(hours=2))
        assert drop_expired_results() == 1
        task = Task.objects.get()
        assert task.result is None and task.result_dropped_at and task.status == Status.COMPLETED


class TestLimits:
    def test_a_result_that_is_too_large_fails_and_keeps_no_effect(self, monkeypatch):
        from tasks import execution

        monkeypatch.setattr(execution, "MAX_RESULT_BYTES", 10)
        result = garden.note.enqueue(name="large")
        run_task(result.id)
        task = Task.objects.get(pk=result.id)
        assert task.status == Status.FAILED and "ResultTooLarge" in task.error_type
        assert not Group.objects.filter(name="large").exists()

    def test_a_name_of_another_release_waits_an_hour_for_it(self):
        result = garden.note.enqueue(name="x")
        Task.objects.update(name="garden.from_the_future")
        run_task(result.id)
        assert claims.claim_next(["default"], worker="w") is None and relay() == 0 and fail_unknown() == 0
        assert Task.objects.get().status == Status.PENDING and Task.objects.get().attempt == 0
        Task.objects.update(run_after=timezone.now() - timedelta(hours=2))
        assert fail_unknown() == 1
        assert (Task.objects.get().status, Task.objects.get().error_type) == (Status.FAILED, "UnknownTask")

    def test_positional_arguments_are_refused(self):
        from django_tasks.exceptions import InvalidTaskError

        with pytest.raises(InvalidTaskError):
            garden.note.enqueue("x")


def test_the_api_shows_a_task_with_its_documents_keys():
    owner = makers.user()
    result = garden.note.using(requested_by_id=owner.pk).enqueue(name="shown")
    path = f"/api/v1/tasks/{result.id}"
    body = makers.client(owner).get(path).json()
    assert {"task_id", "status", "created_at", "completed_at", "progress_percentage", "result", "error"} <= set(body)
    assert (body["status"], body["progress_percentage"], body["error"]) == ("pending", 0, None)
    run_task(result.id)
    assert makers.client(owner).get(path).json()["result"] == {"noted": "shown"}
    assert makers.client(makers.user("operator")).get(path).status_code == 200
    assert makers.client(makers.user()).get(path).status_code == 404
    failed = failed_task()
    Task.objects.filter(pk=failed.pk).update(requested_by=owner)
    error = makers.client(owner).get(f"/api/v1/tasks/{failed.pk}").json()["error"]
    assert error == {"type": "tasks.errors.PermanentError", "message": "permanent failure"}
