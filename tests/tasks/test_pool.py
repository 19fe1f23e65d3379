"""How many workers a pool keeps."""

import os
import signal

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.models import Status, Task
from tasks.pool import size_for
from tests.garden import tasks as garden
from tests.processes import eventually

COUNTS = st.integers(0, 500)


@given(size=COUNTS, waiting=COUNTS, running=COUNTS, least=st.integers(1, 50), more=st.integers(0, 50))
def test_the_size_stays_within_its_bounds(size, waiting, running, least, more):
    assert least <= size_for(size, waiting=waiting, running=running, least=least, most=least + more) <= least + more


@pytest.mark.parametrize(
    ("size", "waiting", "running", "then"),
    [
        (2, 0, 0, 2),  # idle at the least
        (2, 5, 2, 3),  # all busy and something waits
        (2, 95, 2, 8),  # much waits: no further than the most
        (2, 5, 1, 2),  # one is free and will take it
        (5, 0, 5, 5),  # all busy, nothing waits
        (5, 0, 2, 4),  # shrinks by one
    ],
)
def test_it_grows_when_all_are_busy_and_shrinks_when_nothing_waits(size, waiting, running, then):
    assert size_for(size, waiting=waiting, running=running, least=2, most=8) == then


@pytest.mark.django_db(transaction=True)
def test_a_pool_grows_with_what_waits_up_to_its_most(processes):
    pool = processes.start("workers", "--min", "1", "--max", "3")
    for _ in range(8):
        garden.slow.enqueue(seconds=4)
    eventually(lambda: Task.objects.filter(status=Status.PROCESSING).count() == 3, log=processes.log)
    assert len(psutil.Process(pool.pid).children()) == 3
    os.kill(pool.pid, signal.SIGTERM)
    assert pool.wait(30) == 0
    assert not Task.objects.filter(status=Status.PROCESSING).exists()


@pytest.mark.django_db(transaction=True)
def test_no_pool_without_a_worker(processes):
    assert processes.start("workers", "--min", "4", "--max", "2").wait(30) != 0
