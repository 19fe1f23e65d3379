"""Any interleaving of two writers and a refresh, with commits and rollbacks, gives the values of one after another."""

from __future__ import annotations

import itertools
import queue
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections, transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from features.definitions import feature_sets
from features.intake.ingest import NewEvent, ingest
from features.models import RawEvent, StaleEntity
from features.serving.stored import stored
from features.values.materialize import refresh
from tests.features.test_exactness import histories, same
from tests.features.test_repair import the_newest_rows_are_right
from tests.makers import NOON, happening

pytestmark = pytest.mark.django_db(transaction=True)
_numbers = itertools.count(1)
WRITERS, REFRESHER = (0, 1), 2
STEPS = st.lists(st.tuples(st.sampled_from([*WRITERS, REFRESHER]), st.booleans(), st.integers(1, 5)), max_size=24)


class Session:
    """A connection of its own that takes one step at a time; a step that has to wait for a lock is left to wait."""

    def __init__(self) -> None:
        self.steps: queue.Queue[Callable[[], Any] | None] = queue.Queue()
        self.open, self.errors = False, list[Exception]()
        self.idle = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def begin(self, work: Callable[[], Any]) -> None:
        self.open = True
        self._take(lambda: (transaction.set_autocommit(False), work()))

    def end(self, *, commit: bool) -> None:
        def finish() -> None:
            transaction.commit() if commit else transaction.rollback()
            transaction.set_autocommit(True)

        self.open = False
        self._take(finish)

    def close(self) -> None:
        self.steps.put(None)
        self.thread.join(20)
        assert not self.thread.is_alive() and not self.errors, self.errors

    def _take(self, step: Callable[[], Any]) -> None:
        self.idle.clear()
        self.steps.put(step)
        self.idle.wait(0.1)

    def _run(self) -> None:
        while step := self.steps.get():
            try:
                step()
            except Exception as error:
                self.errors.append(error)
            if self.steps.empty():
                self.idle.set()
        connections.close_all()


@given(histories(), STEPS)
@hypothesis_settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_interleaving_gives_the_meaning(redis, events: list[NewEvent], steps: list[tuple[int, bool, int]]) -> None:
    plot = source = f"plot-{next(_numbers)}"
    events = [replace(event, entity_id=plot, source=source) for event in events]
    waiting = {0: list(events), 1: list(reversed(events))}  # every event is sent by both
    unsure: list[NewEvent] = []
    sessions = [Session() for _ in range(3)]
    for who, commit, size in steps:
        session = sessions[who]
        if session.open:
            session.end(commit=commit)
        elif who == REFRESHER:
            session.begin(lambda: refresh("plot", [plot]))
        elif batch := [waiting[who].pop() for _ in range(min(size, len(waiting[who])))]:
            unsure += batch  # whether it is committed is not told: it is sent again
            session.begin(lambda batch=batch: ingest(batch, refresh=False))
    for session in sessions:
        if session.open:
            session.end(commit=True)
    for session in sessions:
        session.close()
    ingest(unsure + waiting[0], refresh=False)
    refresh("plot", [plot])
    assert RawEvent.objects.filter(source=source).count() == len(events)
    assert not StaleEntity.objects.filter(entity_id=plot, latest__lte=NOON + timedelta(days=2)).exists()
    the_values_are_right(plot, source, events)


def the_values_are_right(plot: str, source: str, events: list[NewEvent]) -> None:
    numbers = dict(RawEvent.objects.filter(source=source).values_list("source_id", "id"))
    meant = [happening(event, numbers[event.source_id]) for event in events]
    for feature_set in feature_sets(entity="plot"):
        seen = meant if feature_set.rows is None else [h for h in meant if h.event_type != "garden.visited"]
        for found in stored(feature_set, [plot]).values():
            same(found.values(), feature_set.compute(seen, found.as_of))
    the_newest_rows_are_right(plot)
