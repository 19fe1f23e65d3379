"""The work-horse: a child process that runs tasks one after another, and its master's hold on it.

It lives as long as nothing goes wrong, so a task costs neither a fork nor a connection; and it is a process of its
own, so a task that crashes takes only itself with it.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import mmap
import os
import select
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence

from django.conf import settings
from django.db import Error, connection, connections

from tasks import claims, store
from tasks.errors import LeaseLost, TaskCancelled, TaskTimeout
from tasks.execution import prepare_connection, run_claim
from tasks.pulse import Pulse, Run

logger = logging.getLogger(__name__)
KILL_AFTER_S = 5.0  # a task that was told to stop has this long before its process is killed
MOST_TASKS = 10_000  # then a fresh process takes over
LOOK_S = 0.25  # how often the master looks at a busy horse
LOOK_BACK_S = 1.0  # how often a claim minds what became due before the last one
GO, IDLE, RECYCLE = b"g", b"i", b"r"
KILL_AT, STOPPING, BEAT = 0, 8, 16  # offsets in the shared page


class Horse:
    """The master's side. Everything here runs in the worker, which keeps no database connection open."""

    def __init__(self, queues: Sequence[str], *, name: str) -> None:
        self.queues, self.name = list(queues), name
        self.page = mmap.mmap(-1, mmap.PAGESIZE)  # shared with the child: when to kill it, whether to stop, its beat
        self.pid = 0
        self.stop_by = self.seen_kill_at = self.seen_beat = self.still_s = 0.0

    @property
    def worker(self) -> str:
        """How attempts name the process that runs them."""
        return f"{self.name}/{self.pid}"

    def start(self) -> None:
        connections.close_all()  # parent and child must not share a socket
        struct.pack_into("d?", self.page, KILL_AT, 0.0, False)
        self.master, self.still_s = os.getpid(), 0.0
        self.verdict: Callable[..., store.Taken] = store.crashed
        self.why = ""
        self.line, theirs = socket.socketpair()
        gc.freeze()
        self.pid = os.fork()
        if self.pid == 0:
            status = 1
            try:
                self.line.close()
                os.setpgrp()
                Rider(self, theirs).ride()
                status = 0
            finally:
                os._exit(status)
        theirs.close()

    def go(self) -> None:
        """Let the child run tasks until none is due."""
        if not self.pid:
            self.start()
        try:
            self.line.send(GO)
        except OSError:  # it died while it had nothing to do
            self._bury()
            self.start()
            self.line.send(GO)

    def wait(self, *, tick: Callable[[], None], stopping: Callable[[], bool], grace_s: float) -> None:
        """Until the child has nothing more to run. Notes its death, and kills it when it must be."""
        while True:
            ready, _, _ = select.select([self.line], [], [], LOOK_S)
            if ready:
                if (said := self._hear()) != IDLE:
                    self._bury(expected=said == RECYCLE)
                return
            if self._is_dead():
                self._bury()
                return
            tick()
            self._watch(stopping(), grace_s)

    def _hear(self) -> bytes:
        try:
            return self.line.recv(1)
        except OSError:  # it died without having read our word
            return b""

    def _is_dead(self) -> bool:
        """Dead though its line is open: a process that its task started holds the other end."""
        if not hasattr(os, "waitid"):
            return False
        with contextlib.suppress(ChildProcessError):
            return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        return True

    def _watch(self, stopping: bool, grace_s: float) -> None:
        now = time.monotonic()
        (kill_at,) = struct.unpack_from("d", self.page, KILL_AT)
        # Seen twice, or it might belong to a task that has just ended.
        late, self.seen_kill_at = kill_at and now > kill_at and kill_at == self.seen_kill_at, kill_at
        if stopping and not self.stop_by:
            self.stop_by = now + grace_s
            struct.pack_into("?", self.page, STOPPING, True)
        if late:
            self._kill(store.timed_out, "The task did not stop in time; its process was killed.")
        elif self.stop_by and now > self.stop_by:
            self._kill(hand_back, "Its worker was stopped.")
        elif self._is_frozen():
            self._kill(store.crashed, "The work-horse stood still; its process was killed.")

    def _is_frozen(self) -> bool:
        """No beat for two leases: what it runs is no longer its own. Counted in looks, as we may stand still too."""
        (beat,) = struct.unpack_from("d", self.page, BEAT)
        self.still_s = self.still_s + LOOK_S if beat == self.seen_beat else 0.0
        self.seen_beat = beat
        return self.still_s > max(10, 2 * settings.TASK_LEASE_S)

    def stop(self, *, now: bool = False, grace_s: float = 0.0) -> None:
        """End the child: after its task if that ends within the grace, else with its task handed back."""
        if self.pid:
            struct.pack_into("?", self.page, STOPPING, True)
            self.line.close()  # an idle child reads the end of the line and leaves
            give_up = time.monotonic() + (0 if now else grace_s)
            while not (gone := self._has_left()) and time.monotonic() < give_up:
                time.sleep(0.02)
            if not gone:
                self._kill(hand_back, "Its worker was stopped.")
            self._bury(expected=gone)

    def _has_left(self) -> bool:
        try:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
        except ChildProcessError:
            return True
        return pid != 0

    def _kill(self, verdict: Callable[..., store.Taken], why: str) -> None:
        self.verdict, self.why = verdict, why
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    def _bury(self, *, expected: bool = False) -> None:
        """Wait for the child's end and note what became of the task it ran. Past a failure the sweeper does."""
        worker, pid, self.pid = self.worker, self.pid, 0
        status = 0
        if not expected:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)  # what its task started goes with it
        with contextlib.suppress(ChildProcessError):
            status = os.waitpid(pid, 0)[1]
        self.line.close()
        if not expected:
            verdict, why = self.verdict, self.why or f"The work-horse ended unexpectedly ({ending(status)})."
            if verdict is store.timed_out and struct.unpack_from("d", self.page, KILL_AT)[0] != self.seen_kill_at:
                verdict = hand_back  # the late task ended in the last moment; this is another one, or its end
            with contextlib.suppress(Error):
                for task_id, now in verdict(worker=worker, message=why):
                    logger.error("task lost its process", extra={"task_id": task_id, "now": now, "why": why})
            connections.close_all()


def hand_back(*, worker: str, message: str) -> store.Taken:
    return store.hand_back(worker=worker, reason=message)


def ending(status: int) -> str:
    if os.WIFSIGNALED(status):
        return f"signal {signal.Signals(os.WTERMSIG(status)).name}"
    return f"exit code {os.waitstatus_to_exitcode(status)}"


class Rider:
    """The child's side: claims and runs."""

    def __init__(self, horse: Horse, line: socket.socket) -> None:
        self.page, self.line, self.queues, self.master = horse.page, line, horse.queues, horse.master
        self.worker = f"{horse.name}/{os.getpid()}"
        self.guarded: Run | None = None
        self.completion: store.Completion | None = None  # not yet written, or not for want of PostgreSQL
        self.deadline = 0.0
        self.done = 0
        self.main_thread = threading.get_ident()
        self.arming = threading.Lock()

    def ride(self) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the master decides when to stop
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGALRM, self._alarm)
        self.pulse = Pulse(on_stop=self._interrupt, on_look=self._look)
        with contextlib.suppress(Error):
            prepare_connection()  # before the first task needs it
        while self.line.recv(1):
            for pause_s in (0.0, 0.5):  # a connection that was cut while idle is worth a second try at once
                try:
                    self._drain()
                    break
                except Error as error:
                    logger.warning("worker waits for postgresql: %s", type(error).__name__)
                    connection.close()
                    time.sleep(pause_s)
            recycle = self.done >= MOST_TASKS
            self.line.send(RECYCLE if recycle else IDLE)
            if recycle:
                return

    def _drain(self) -> None:
        struct.pack_into("d", self.page, KILL_AT, 0.0)
        if connection.connection is None:
            prepare_connection()
        claim, looked_at = None, time.monotonic()
        while self.done < MOST_TASKS and not self._must_stop():
            if time.monotonic() - looked_at > LOOK_BACK_S:
                claim, looked_at = None, time.monotonic()
            claim = claims.claim_next(self.queues, worker=self.worker, after=self.completion, since=claim)
            self.completion = None
            if claim is None:
                return
            self.completion = run_claim(claim, self.pulse, self._guard)
            self._disarm()  # a signal may have struck in the guard's own clean-up
            self.done += 1
            if connection.connection is None or not connection.get_autocommit():  # the task left it unfit for the next
                connection.close()
                prepare_connection()
        if self.completion:
            store.complete(self.completion)
            self.completion = None

    def _must_stop(self) -> bool:
        return bool(struct.unpack_from("?", self.page, STOPPING)[0]) or os.getppid() != self.master

    @contextlib.contextmanager
    def _guard(self, run: Run) -> Iterator[None]:
        """The task's function runs inside: a timeout, a cancellation or a lost lease interrupts it."""
        self.deadline = time.monotonic() + run.claim.timeout_s
        try:
            with self.arming:
                struct.pack_into("d", self.page, KILL_AT, self.deadline + KILL_AFTER_S)
                self.guarded = run
            signal.setitimer(signal.ITIMER_REAL, run.claim.timeout_s)
            run.check()  # what the heartbeat heard before the guard stood
            yield
        finally:
            self._disarm()

    def _disarm(self) -> None:
        with self.arming:
            self.guarded = None
            struct.pack_into("d", self.page, KILL_AT, 0.0)
        signal.setitimer(signal.ITIMER_REAL, 0)

    def _interrupt(self, run: Run) -> None:
        """In the heartbeat's thread: have the main thread stop the task, and the master kill it if it does not."""
        with self.arming:
            if self.guarded is not run:  # it has just ended; the deadline of the next is not ours to set
                return
            struct.pack_into("d", self.page, KILL_AT, time.monotonic() + KILL_AFTER_S)
        signal.pthread_kill(self.main_thread, signal.SIGALRM)

    def _look(self) -> None:
        """In the heartbeat's thread: show life; and without a master nobody else ends a task that does not stop."""
        struct.pack_into("d", self.page, BEAT, time.monotonic())
        (kill_at,) = struct.unpack_from("d", self.page, KILL_AT)
        if kill_at and time.monotonic() > kill_at and os.getppid() != self.master:
            os.killpg(0, signal.SIGKILL)

    def _alarm(self, number: int, frame: object) -> None:
        run = self.guarded
        if run is None:
            return
        if run.lost:
            raise LeaseLost
        if run.cancelled:
            raise TaskCancelled
        if time.monotonic() >= self.deadline:
            raise TaskTimeout
