"""The heartbeat of a process that runs tasks: one thread that renews the lease and hears of cancellation."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from django.conf import settings
from django.db import connection

from tasks import store
from tasks.errors import LeaseLost, TaskCancelled

logger = logging.getLogger(__name__)
LOOK_S = 2.0  # how soon a running task hears of its cancellation
PROGRESS_S = 0.5  # progress is written at most this often


@dataclass(slots=True)
class Run:
    """One attempt while it runs, as its own thread and the heartbeat both see it."""

    claim: store.Claim
    progress: int = 0
    message: str = ""
    cancelled: bool = False
    lost: bool = False
    renewed: float = field(default_factory=time.monotonic)

    def check(self) -> None:
        if self.lost:
            raise LeaseLost
        if self.cancelled:
            raise TaskCancelled


class Pulse:
    """Beats for one run at a time, over a connection of its own that opens only for runs that take long.

    on_stop(run): called once in the heartbeat's thread when the run should stop: cancelled, or its lease is lost.
    on_look(): called there every two seconds or oftener.
    """

    def __init__(
        self, on_stop: Callable[[Run], None] = lambda run: None, on_look: Callable[[], None] = lambda: None
    ) -> None:
        self.on_stop, self.on_look = on_stop, on_look
        self._run: Run | None = None
        self._wake = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._beat, name="pulse", daemon=True)
        self._thread.start()

    def begin(self, claim: store.Claim) -> Run:
        """Silent inside a transaction, as tests run tasks: the heartbeat's connection would not find the claim."""
        run = Run(claim)
        self._run = None if connection.in_atomic_block else run
        return run

    def finish(self) -> None:
        self._run = None

    def close(self) -> None:
        self._closing = True
        self._wake.set()
        self._thread.join(timeout=5)

    def show(self, run: Run) -> None:
        """Write the run's progress soon."""
        if time.monotonic() - run.renewed > PROGRESS_S:
            self._wake.set()

    def _beat(self) -> None:
        look_s = min(LOOK_S, settings.TASK_LEASE_S / 3)
        try:
            while not self._closing:
                asked = self._wake.wait(timeout=look_s)
                self._wake.clear()
                self.on_look()
                run = self._run
                if run is None:
                    connection.close()
                elif asked or time.monotonic() - run.renewed >= look_s:
                    self._renew(run)
        finally:
            connection.close()

    def _renew(self, run: Run) -> None:
        run.renewed = time.monotonic()
        try:
            answer = store.renew(run.claim, progress=run.progress, message=run.message)
        except Exception as error:  # whatever it is, the next beat must come
            logger.warning("could not renew the lease of %s: %s", run.claim.id, type(error).__name__)
            connection.close()
            return
        if run is not self._run or run.lost or run.cancelled:
            return
        run.lost, run.cancelled = answer is None, bool(answer)
        if run.lost or run.cancelled:
            self.on_stop(run)
