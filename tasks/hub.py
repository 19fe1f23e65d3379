"""One thread of a web process that reads PostgreSQL for all its streams, once a second, while somebody listens.

A stream holds a thread of the server but no connection: it waits for what the hub puts into its feed.
"""

from __future__ import annotations

import logging
import threading
import time
import weakref
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection

from tasks import crew, figures
from tasks.happenings import End, Event, Position, Snapshot, ended_since, events_of, snapshots

logger = logging.getLogger(__name__)
POLL_S = 1.0
STATISTICS_S = 5.0
LAG = "2 seconds"  # a task is told of so much later than it ended, lest one that commits later is missed
MOST_REPLAYED = 1_000
MOST_WAITING = 2 * MOST_REPLAYED
STREAMS_PER_USER = 4
stopping: Callable[[], bool] = lambda: False  # noqa: E731 - config/gunicorn.py sets it: the process wants to end


class Full(Exception):
    """No further stream fits; `mine` says that it is the user's own share that is used up."""

    def __init__(self, *, mine: bool) -> None:
        super().__init__("You have as many streams open as one may." if mine else "All streams are taken.")
        self.mine = mine


class Slots:
    """How many streams this process serves, for each user and together."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a stream may be forgotten, by garbage collection, while it is held
        self.taken: Counter[int] = Counter()

    def take(self, holder: object, user_id: int) -> Callable[[], Any]:
        """Returns what gives the slot back; a holder that is forgotten gives it back as well. Raises Full."""
        with self._lock:
            if self.taken[user_id] >= STREAMS_PER_USER:
                raise Full(mine=True)
            if self.taken.total() >= settings.TASK_STREAMS:
                raise Full(mine=False)
            self.taken[user_id] += 1
        return weakref.finalize(holder, self._give_back, user_id)

    def _give_back(self, user_id: int) -> None:
        with self._lock:
            self.taken[user_id] -= 1
            self.taken += Counter()  # forget users without any


class Feed:
    """What waits to be sent on one stream. `over`: nothing will follow."""

    def __init__(self) -> None:
        self.fresh: deque[Event] = deque()
        self.over = False


class TaskFeed(Feed):
    """One task, after a position."""

    def __init__(self, task_id: str, position: Position) -> None:
        super().__init__()
        self.task_id, self.position = task_id, position

    def see(self, task: Snapshot | None) -> None:
        for position, event in events_of(task) if task else ():
            if self.position.is_before(position):
                self.position = position
                self.fresh.append(event)
        self.over = task is None or task.has_ended


class DashboardFeed(Feed):
    """Statistics, and every task that ends after a place; from now on without one."""

    def __init__(self, place: End | None) -> None:
        super().__init__()
        self.place = place
        self.told_statistics = 0.0

    def see(self, found: list[tuple[End, Event]], horizon: End) -> None:
        """horizon: how far was read, whatever was found there."""
        if self.place is None:
            self.fresh.append(Event("ready", {}, str(horizon)))
        elif len(found) > MOST_REPLAYED or len(self.fresh) + len(found) > MOST_WAITING:
            self.fresh.clear()
            self.fresh.append(Event("reset", {"reason": "More tasks ended than are told one by one."}, str(horizon)))
        else:
            self.fresh.extend(event for _, event in found)
        self.place = max(horizon, self.place or horizon)


class Hub:
    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.wake = threading.Event()
        self.feeds: set[Feed] = set()
        self.thread: threading.Thread | None = None
        self._statistics: Event | None = None
        self._statistics_at = 0.0

    @contextmanager
    def listening(self, feed: Feed) -> Iterator[None]:
        """The hub feeds it inside of this block."""
        with self.changed:
            self.feeds.add(feed)
            if self.thread is None:
                self.thread = threading.Thread(target=self._run, name="hub", daemon=True)
                self.thread.start()
        self.wake.set()
        try:
            yield
        finally:
            with self.changed:
                self.feeds.discard(feed)
            self.wake.set()

    def take(self, feed: Feed, *, timeout_s: float) -> list[Event]:
        """What is new for a feed; waits for it no longer than that."""
        with self.changed:
            self.changed.wait_for(lambda: feed.fresh or feed.over, timeout_s)
            found = list(feed.fresh)
            feed.fresh.clear()
        return found

    def _run(self) -> None:
        try:
            while True:
                with self.changed:
                    feeds = list(self.feeds)
                    if not feeds:
                        self.thread = None
                        return
                try:
                    self._look(feeds)
                except Exception:  # most likely the database is away; streams go on with what follows
                    logger.exception("streams wait for what cannot be read")
                    connection.close()
                self.wake.wait(POLL_S)
                self.wake.clear()
        finally:
            connection.close()

    def _look(self, feeds: list[Feed]) -> None:
        tasks = [feed for feed in feeds if isinstance(feed, TaskFeed) and not feed.over]
        boards = [feed for feed in feeds if isinstance(feed, DashboardFeed)]
        found = snapshots({feed.task_id for feed in tasks}) if tasks else {}
        ends = self._ends({board.place for board in boards}) if boards else {}
        statistics = self._current_statistics() if boards else None
        with self.changed:
            for feed in tasks:
                feed.see(found.get(feed.task_id))
            for board in boards:
                board.see(*ends[board.place])
                if statistics and board.told_statistics < self._statistics_at:
                    board.told_statistics = self._statistics_at
                    board.fresh.append(statistics)
            self.changed.notify_all()

    def _ends(self, places: set[End | None]) -> dict[End | None, tuple[list[tuple[End, Event]], End]]:
        """What ended after each place. After a look all feeds stand at the same one, so it is one statement."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT now() - %s::interval", [LAG])
            until: datetime = cursor.fetchone()[0]
        return {
            place: (ended_since(place, until, limit=MOST_REPLAYED + 1) if place else [], End(until)) for place in places
        }

    def _current_statistics(self) -> Event | None:
        if time.monotonic() - self._statistics_at >= STATISTICS_S:
            workers, known = crew.workers()
            data = {**figures.summary("15m"), "workers_known": known, "workers": workers}
            self._statistics, self._statistics_at = Event("stats", data), time.monotonic()
        return self._statistics


slots = Slots()
hub = Hub()
