"""A pool of worker processes: replaces the dead, and grows and shrinks with what waits."""

from __future__ import annotations

import logging
import multiprocessing
import os
import secrets
import signal
import socket
import time
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connection, connections

from tasks import claims

logger = logging.getLogger(__name__)
GRACE_S = 30.0  # a worker hands its task back before; see tasks.worker
LOOK_S = 1.0
SHRINK_AFTER_S = 30.0
TASKS_A_WORKER = 10  # so many waiting tasks are worth one more worker
MOST_PAUSE_S = 10.0  # between two starts of a worker that keeps dying

RUNNING = "SELECT count(*) FROM tasks_task WHERE status = 'processing' AND split_part(worker, '/', 1) = ANY(%s)"


def size_for(size: int, *, waiting: int, running: int, least: int, most: int) -> int:
    """How many workers there should be, with so many tasks waiting for a worker and so many running on ours.

    Grows only while every worker is busy, and shrinks by one at a time.
    """
    if waiting and running >= size:
        size += max(1, waiting // TASKS_A_WORKER)
    elif not waiting and running < size:
        size -= 1
    return min(most, max(least, size))


@dataclass
class Member:
    """A worker process. `stopping`: it was told to go and is not replaced."""

    name: str
    process: Any
    started: float = field(default_factory=time.monotonic)
    stopping: bool = False


class Pool:
    def __init__(self, *, least: int, most: int) -> None:
        self.least, self.most = least, most
        self.size = least
        self.members: list[Member] = []
        self.deaths = 0
        self.start_again_at = 0.0
        self.idle_since = time.monotonic()
        self.stopping = False

    def run(self) -> None:
        """Until SIGTERM or SIGINT; then every worker finishes its task or hands it back."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._asked_to_stop)
        looked_at = 0.0
        while not self.stopping:
            self._bury()
            if time.monotonic() - looked_at > LOOK_S:
                looked_at = time.monotonic()
                self._resize()
            self._fill()
            time.sleep(0.2)
        self._stop()

    def _asked_to_stop(self, number: int, frame: Any) -> None:
        self.stopping = True

    def _bury(self) -> None:
        for member in [m for m in self.members if not m.process.is_alive()]:
            self.members.remove(member)
            if member.stopping:
                continue
            # One death is replaced at once; a worker that cannot live is started ever more slowly.
            self.deaths = self.deaths + 1 if time.monotonic() - member.started < MOST_PAUSE_S else 1
            self.start_again_at = time.monotonic() + min(0.25 * 2 ** (self.deaths - 1), MOST_PAUSE_S)
            logger.warning("a worker ended and is replaced", extra={"worker": member.name,
                                                                    "exit_code": member.process.exitcode})  # fmt: skip

    def _fill(self) -> None:
        serving = [member for member in self.members if not member.stopping]
        if time.monotonic() >= self.start_again_at:
            for _ in range(self.size - len(serving)):
                self._start()
        for member in serving[self.size :]:
            member.stopping = True
            member.process.terminate()

    def _resize(self) -> None:
        if self.least == self.most:
            return
        names = [member.name for member in self.members if not member.stopping]
        try:
            waiting = sum(claims.waiting(settings.QUEUES, up_to=self.most * TASKS_A_WORKER).values())
            with connection.cursor() as cursor:
                cursor.execute(RUNNING, [names])
                running = cursor.fetchone()[0]
        except DatabaseError:
            connection.close()
            return
        wanted = size_for(self.size, waiting=waiting, running=running, least=self.least, most=self.most)
        now = time.monotonic()
        if wanted >= self.size:
            self.idle_since = now
        if wanted > self.size or (wanted < self.size and now - self.idle_since > SHRINK_AFTER_S):
            logger.info("pool resized", extra={"workers": wanted, "was": self.size, "waiting": waiting})
            self.size, self.idle_since = wanted, now

    def _start(self) -> None:
        connections.close_all()  # parent and child must not share a socket
        name = f"{socket.gethostname()}.{os.getpid()}.{secrets.token_hex(3)}"
        process = multiprocessing.get_context("fork").Process(target=_work, args=[name], daemon=False)
        process.start()
        self.members.append(Member(name, process))

    def _stop(self) -> None:
        for member in self.members:
            if member.process.is_alive():
                member.process.terminate()
        deadline = time.monotonic() + GRACE_S
        for member in self.members:
            member.process.join(max(0.0, deadline - time.monotonic()))
            if member.process.is_alive():
                member.process.kill()  # its lease runs out and the task runs again


def _work(name: str) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    _die_with_parent()
    call_command("rqworker", *settings.QUEUES, name=name, verbosity=0)


def _die_with_parent() -> None:
    """Where the system can (Linux), a killed pool takes its workers with it."""
    try:
        import ctypes

        PR_SET_PDEATHSIG = 1
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    except (AttributeError, OSError):
        pass
