"""Many claim at once: never more run than a limit allows, the urgent first, and nothing that is paused."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from tasks import bell, claims, controls, store
from tasks.models import Attempt, Status, Task
from tasks.relay import relay
from tests.garden import tasks as garden

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]
CLAIMERS = 6


def at_once(work: Callable[[int], list]) -> list:
    """What several threads, each with a connection of its own, bring back after starting together."""
    gate = threading.Barrier(CLAIMERS)

    def one(number: int) -> list:
        try:
            gate.wait()
            return work(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(CLAIMERS) as pool:
        return [found for part in pool.map(one, range(CLAIMERS)) for found in part]


def end(claim: store.Claim) -> None:
    assert store.end(claim, status=Status.COMPLETED, outcome=Attempt.Outcome.COMPLETED, result="1")


@pytest.mark.parametrize(("kind", "name"), [("task", "garden.note"), ("queue", "default")])
def test_never_more_run_than_the_limit_however_many_claim(kind, name):
    controls.limit(kind=kind, name=name, max_running=3)
    garden.note.enqueue_many([{"name": "x"}] * 240)
    running, most, done, lock = 0, 0, 0, threading.Lock()

    def work(number: int) -> list:
        nonlocal running, most, done
        while done < 240:
            claim = claims.claim_next(["default"], worker=f"w{number}")
            if claim is None:
                continue
            with lock:
                running += 1
                most = max(most, running)
            with lock:  # counted out before the row is free, so that the count never lags behind the table
                running -= 1
            end(claim)
            with lock:
                done += 1
        return []

    at_once(work)
    assert most <= 3 and Task.objects.filter(status=Status.COMPLETED).count() == 240
    assert overlapping() <= 3


def overlapping() -> int:
    """The most attempts that ran at one time, as their own rows tell."""
    turns = sorted(
        turn for started, ended in Attempt.objects.values_list("started_at", "ended_at")
        for turn in ((started, 1), (ended, -1))
    )  # fmt: skip
    running = most = 0
    for _, step in turns:
        running += step
        most = max(most, running)
    return most


@pytest.mark.parametrize("most", [1, 2, 4])
def test_a_rush_takes_exactly_what_the_limit_allows(most):
    """Nobody ends: each round all claim at once, and together they get the limit."""
    controls.limit(kind="task", name="garden.note", max_running=most)
    garden.note.enqueue_many([{"name": "x"}] * 60)
    for _ in range(10):
        taken = at_once(
            lambda n: [claim for _ in range(3) if (claim := claims.claim_next(["default"], worker=f"w{n}"))]
        )
        assert len(taken) == most == Task.objects.filter(status=Status.PROCESSING).count()
        for claim in taken:
            end(claim)


def test_the_smaller_of_the_declared_and_the_set_limit_counts():
    garden.narrow.enqueue_many([{"name": "x"}] * 9)
    assert len(claim_all()) == 2  # as declared
    controls.limit(kind="task", name="garden.narrow", max_running=3)
    assert claim_all() == []
    store.crashed(worker="w", message="gone")
    controls.limit(kind="task", name="garden.narrow", max_running=1)
    assert claim_all() == []


def claim_all() -> list[store.Claim]:
    taken = []
    while claim := claims.claim_next(["high", "default", "low"], worker="w"):
        taken.append(claim)
    return taken


def test_two_full_names_do_not_make_their_claimers_wait_for_each_other():
    """Both at their limit, rows of both mixed: a claim neither deadlocks nor takes long, and others pass."""
    for name in ("garden.note", "garden.narrow"):
        controls.limit(kind="task", name=name, max_running=1)
    for _ in range(10):
        garden.note.enqueue(name="x")
        garden.narrow.enqueue(name="x")
    assert len(claim_all()) == 2
    assert at_once(lambda n: [c for _ in range(50) if (c := claims.claim_next(["default"], worker=f"w{n}"))]) == []
    passing = garden.hourly.enqueue()
    assert [claim.id for claim in claim_all()] == [passing.id]


def test_a_slot_that_a_dead_worker_held_frees_itself():
    controls.limit(kind="queue", name="default", max_running=1)
    garden.note.enqueue_many([{"name": "x"}] * 2)
    assert len(claim_all()) == 1 and claim_all() == []
    Task.objects.filter(status=Status.PROCESSING).update(lease_until="2020-01-01T00:00Z")
    assert len(store.expire()) == 1
    assert len(claim_all()) == 1


def test_the_first_queue_goes_first_and_within_it_the_highest_number():
    wanted = [("high", 1), ("high", 0), ("default", 9), ("default", 0), ("default", -5), ("low", 100)]
    for queue, priority in sorted(wanted):
        garden.note.using(queue_name=queue, priority=priority).enqueue(name="x")
    taken = [Task.objects.get(pk=claim.id) for claim in claim_all()]
    assert [(task.queue_name, task.priority) for task in taken] == wanted


@pytest.mark.parametrize(("kind", "name"), [("task", "garden.note"), ("queue", "high")])
def test_what_is_paused_waits_while_the_rest_goes_on_and_resuming_wakes(kind, name, redis):
    controls.pause(kind=kind, name=name, reason="flood")
    paused = garden.note.using(queue_name="high").enqueue(name="x")
    other = garden.hourly.enqueue()
    redis.flushdb()
    assert [claim.id for claim in claim_all()] == [other.id]
    assert relay() == 0 and bell._queue("high").count == 0
    controls.resume(kind=kind, name=name)
    assert bell._queue("high").count == 1
    assert [claim.id for claim in claim_all()] == [paused.id]


def test_a_limit_of_a_queue_holds_for_every_order_of_queues():
    """Workers that serve the queues in different orders share full queues and never lock each other out."""
    for queue in ("high", "default"):
        controls.limit(kind="queue", name=queue, max_running=1)
        garden.note.using(queue_name=queue).enqueue_many([{"name": "x"}] * 20)
    orders = [["high", "default"], ["default", "high"]]

    def work(number: int) -> list:
        return [c for _ in range(40) if (c := claims.claim_next(orders[number % 2], worker=f"w{number}"))]

    assert len(at_once(work)) == 2
