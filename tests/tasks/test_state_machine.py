"""Whatever order things happen in, the real tables do what a plain model of them says.

MILLRACE_EXAMPLES=2000 looks longer than the few seconds of the default run.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.db.models.functions import Now
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from tasks import bell, claims, controls, services, store
from tasks.models import TERMINAL, Attempt, Control, Status, Task
from tasks.relay import relay
from tasks.sweep import sweep
from tests.tasks.model import ARROWS, DECLARED, LATER, NAMES, QUEUES, SHOWN, Row


class Tasks(RuleBasedStateMachine):
    tasks: Any = Bundle("tasks")
    held: Any = Bundle("held")

    def __init__(self) -> None:
        super().__init__()
        with connection.cursor() as cursor:
            for table in ("tasks_attempt", "tasks_task", "tasks_control"):
                cursor.execute(f"DELETE FROM {table}")
        Group.objects.filter(name__startswith="effect").delete()
        bell._queue("default").connection.flushdb()
        self.rows: dict[str, Row] = {}
        self.seen: dict[str, str] = {}
        self.ended: dict[str, tuple] = {}
        self.paused: set[tuple[str, str]] = set()
        self.limits: dict[tuple[str, str], int] = {}
        self.claimed = 0

    # What the model says

    def running(self, **of: str) -> int:
        alike = [row for row in self.rows.values() if all(getattr(row, k) == v for k, v in of.items())]
        return sum(row.status == Status.PROCESSING for row in alike)

    def may_run(self, row: Row) -> bool:
        kinds = {("queue", row.queue_name), ("task", row.name)}
        limits = [(self.limits.get(("queue", row.queue_name)), self.running(queue_name=row.queue_name)),
                  (self.limits.get(("task", row.name)), self.running(name=row.name)),
                  (DECLARED.get(row.name), self.running(name=row.name))]  # fmt: skip
        return not kinds & self.paused and all(most is None or now < most for most, now in limits)

    def claimable(self) -> list[str]:
        """In the order in which they are to be claimed."""
        ids = [i for i, row in self.rows.items() if row.status == Status.PENDING and row.due and self.may_run(row)]
        after = dict(Task.objects.filter(pk__in=ids).values_list("pk", "run_after"))
        after = {str(pk): moment for pk, moment in after.items()}
        return sorted(ids, key=lambda i: (QUEUES.index(self.rows[i].queue_name), -self.rows[i].priority, after[i]))

    def hold_time(self, *ids: str) -> None:
        """Time is data here: what waits for its backoff waits until `time_passes`."""
        Task.objects.filter(pk__in=ids, status=Status.PENDING).update(run_after=Now() + LATER)

    # What happens

    @initialize(target=tasks, most=st.lists(st.integers(1, 4), min_size=3, max_size=6))
    def some_wait(self, most):
        """Else most histories would be about nothing."""
        return multiple(*(self.enqueue_one(sorted(NAMES)[n % 2], QUEUES[n % 3], 0, None, None, False, m)
                          for n, m in enumerate(most)))  # fmt: skip

    @initialize(target=held)
    def some_run(self):
        return multiple(*(claim for _ in range(2) if (claim := self.claim_one())))

    @rule(target=tasks, name=st.sampled_from(sorted(NAMES)), queue=st.sampled_from(QUEUES), priority=st.integers(-1, 1),
          unique=st.sampled_from([None, None, "u"]), coalesce=st.sampled_from([None, None, "c"]),
          later=st.booleans(), most=st.integers(1, 4))  # fmt: skip
    def enqueue(self, name, queue, priority, unique, coalesce, later, most):
        return self.enqueue_one(name, queue, priority, unique, coalesce, later, most)

    def enqueue_one(self, name, queue, priority, unique, coalesce, later, most):
        definition = NAMES[name].using(
            queue_name=queue, priority=priority, unique_key=unique, coalesce_key=coalesce, max_attempts=most
        )
        with connection.cursor() as cursor:
            cursor.execute("SELECT now()")
            moment = cursor.fetchone()[0] + LATER
        definition = definition.using(queue_name=queue, priority=priority, run_after=moment) if later else definition
        found = str(definition.enqueue(name="x").id)
        same = [i for i, row in self.rows.items() if row.answers(unique, coalesce)]
        if same:
            assert found in same
        else:
            assert found not in self.rows
            self.rows[found] = Row(name, queue, priority, most, unique, coalesce, due=not later)
        return found

    @rule(task=tasks)
    def time_passes(self, task):
        row = self.rows[task]
        if row.status == Status.PENDING and not row.due:
            row.due = True
            Task.objects.filter(pk=task).update(run_after=Now())

    @rule(target=held)
    def claim(self):
        return self.claim_one() or multiple()

    def claim_one(self):
        self.claimed += 1
        worker = f"w{self.claimed}"
        claim = claims.claim_next(QUEUES, worker=worker)
        wanted = self.claimable()
        assert (claim.id if claim else None) == (wanted[0] if wanted else None)
        return self.holds(claim, worker) if claim else None

    def holds(self, claim, worker):
        row = self.rows[claim.id]
        row.status, row.attempt, row.claim, row.worker = Status.PROCESSING, row.attempt + 1, claim, worker
        assert (claim.attempt, claim.name) == (row.attempt, row.name)
        assert claim.is_last == (row.attempt - row.handed_back >= row.max_attempts)
        return claim

    @rule(target=held, claim=held)
    def successor(self, claim):
        """The worker of a claim is lost and the task taken again, by its id; the first may still come back."""
        self.worker_goes(claim, "crashed")
        self.time_passes(claim.id)
        self.claimed += 1
        found = claims.claim(claim.id, worker=f"w{self.claimed}")
        assert (found is not None) == (self.rows[claim.id].status == Status.PENDING)
        return self.holds(found, f"w{self.claimed}") if found else multiple()

    @rule(claim=held)
    def cancel_what_runs(self, claim):
        self.cancel(claim.id)

    @rule(claim=held)
    def beat(self, claim):
        row = self.rows[claim.id]
        mine = row.claim == claim
        assert store.renew(claim, progress=5, message="on the way") is (row.cancel if mine else None)
        row.lease_out &= not mine
        assert store.fence(claim) is mine

    @rule(claim=held, how=st.sampled_from(["completed", "error", "permanent"]))
    def finish(self, claim, how):
        """By the holder of a claim, however old: only the newest one counts, with its effect."""
        row = self.rows[claim.id]
        status = {"completed": Status.COMPLETED, "error": Status.PENDING, "permanent": Status.FAILED}[how]
        if how == "error" and claim.is_last:
            status = Status.FAILED
        outcome = Attempt.Outcome.COMPLETED if how == "completed" else Attempt.Outcome.ERROR
        with transaction.atomic():
            if how == "completed":
                Group.objects.create(name=f"effect {claim.id} {self.claimed} {len(row.outcomes)}")
            written = store.end(claim, status=status, outcome=outcome, wait_s=3600)
            transaction.set_rollback(not written)
        assert written == (row.claim == claim)
        if written:
            row.ends(Status.CANCELLED if status == Status.PENDING and row.cancel else status, outcome)

    @rule(claim=held, outcome=st.sampled_from(["crashed", "timed_out", "handed_back", "by claim"]))
    def worker_goes(self, claim, outcome):
        row = self.rows[claim.id]
        mine = row.claim == claim
        worker = row.worker if mine else "w-gone"
        if outcome == "by claim":
            found = store.hand_back(claim=claim, reason="x")
        elif outcome == "handed_back":
            found = store.hand_back(worker=worker, reason="x")
        else:
            found = {"crashed": store.crashed, "timed_out": store.timed_out}[outcome](worker=worker, message="x")
        assert bool(found) == mine
        if mine:
            row.taken("handed_back" if outcome == "by claim" else outcome)
            assert found == [(claim.id, row.status)]
            self.hold_time(claim.id)

    @rule(claim=held)
    def lease_runs_out(self, claim):
        if self.rows[claim.id].claim == claim:
            self.rows[claim.id].lease_out = True
            Task.objects.filter(pk=claim.id).update(lease_until=Now() - LATER)

    @rule()
    def sweep(self):
        out = [i for i, row in self.rows.items() if row.lease_out]
        assert sweep() == len(out)
        for i in out:
            self.rows[i].taken("crashed")
        self.hold_time(*out)

    @rule(task=tasks)
    def cancel(self, task):
        row = self.rows[task]
        if not row.live:
            with pytest.raises(services.WrongState):
                services.cancel_task(task_id=task)
            return
        services.cancel_task(task_id=task)
        row.cancel = True
        if row.status == Status.PENDING:
            row.status = Status.CANCELLED

    @rule(target=tasks, task=tasks)
    def retry(self, task):
        row = self.rows[task]
        if row.retried or row.status not in (Status.FAILED, Status.CANCELLED):
            with pytest.raises(services.WrongState):
                services.retry_task(task_id=task)
            return task
        row.retried = True
        new = str(services.retry_task(task_id=task).pk)
        self.rows[new] = Row(row.name, row.queue_name, row.priority, row.max_attempts)
        return new

    @rule(task=tasks)
    def discard(self, task):
        row = self.rows[task]
        if row.discarded or row.status != Status.FAILED:
            with pytest.raises(services.WrongState):
                services.discard_task(task_id=task)
        else:
            services.discard_task(task_id=task)
            row.discarded = True

    @rule(what=st.sampled_from([("queue", q) for q in QUEUES] + [("task", n) for n in sorted(NAMES)]),
          on=st.sampled_from([False, False, True]))  # fmt: skip
    def pause(self, what, on):
        (controls.pause if on else controls.resume)(kind=what[0], name=what[1], reason="x")
        (self.paused.add if on else self.paused.discard)(what)

    @rule(what=st.sampled_from([("queue", "default"), ("task", "garden.note"), ("task", "garden.narrow")]),
          most=st.sampled_from([None, 1, 2]))  # fmt: skip
    def limit(self, what, most):
        controls.limit(kind=what[0], name=what[1], max_running=most)
        self.limits.pop(what, None)
        if most:
            self.limits[what] = most

    @rule(queue=st.sampled_from(QUEUES))
    def ring_twice(self, queue):
        bell.ring(queue, times=2)

    @rule()
    def flush_redis_and_relay(self):
        bell._queue("default").connection.flushdb()
        waiting = {self.rows[i].queue_name for i in self.claimable()}
        relay()
        assert {queue for queue in QUEUES if bell._queue(queue).count} == waiting

    # What always holds

    @invariant()
    def the_rows_are_what_the_model_says(self):
        found = {str(row["pk"]): row for row in Task.objects.values("pk", *SHOWN, "cancel_requested_at", "lease_until")}
        assert {i: tuple(row[name] for name in SHOWN) for i, row in found.items()} == {
            i: tuple(getattr(row, name) for name in SHOWN) for i, row in self.rows.items()
        }
        for i, row in found.items():
            before = self.seen.get(i, Status.PENDING)
            assert before == row["status"] or (before, row["status"]) in ARROWS or not self.rows[i].live
            assert (row["lease_until"] is not None) == (row["status"] == Status.PROCESSING)
            assert row["attempt"] - row["handed_back"] <= row["max_attempts"]
            assert bool(row["cancel_requested_at"]) == self.rows[i].cancel
            assert row["status"] != Status.PENDING or not row["cancel_requested_at"]
            self.seen[i] = row["status"]

    @invariant()
    def every_ended_attempt_is_kept_once(self):
        kept: dict[str, list] = {i: [] for i in self.rows}
        for task, number, outcome in Attempt.objects.order_by("number").values_list("task_id", "number", "outcome"):
            kept[str(task)].append((number, outcome))
        assert kept == {i: list(enumerate(row.outcomes, 1)) for i, row in self.rows.items()}

    @invariant()
    def what_has_ended_never_changes(self):
        for row in Task.objects.filter(status__in=TERMINAL).values_list("pk", "status", "completed_at", "attempt"):
            assert self.ended.setdefault(str(row[0]), row) == row

    @invariant()
    def an_effect_is_there_once_for_each_completed_task(self):
        done = sorted(i for i, row in self.rows.items() if row.status == Status.COMPLETED)
        effects = Group.objects.filter(name__startswith="effect").values_list("name", flat=True)
        assert sorted(name.split()[1] for name in effects) == done

    @invariant()
    def a_key_has_one_live_task(self):
        live = [row.unique_key for row in self.rows.values() if row.live and row.unique_key]
        assert len(live) == len(set(live))


@pytest.mark.django_db(transaction=True)
def test_any_history_is_one_that_the_model_allows(redis):
    assert list(django_settings.QUEUES) == QUEUES and not Control.objects.exists()
    run_state_machine_as_test(
        Tasks,
        settings=settings(
            max_examples=int(os.environ.get("MILLRACE_EXAMPLES", 12)),
            stateful_step_count=50,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
