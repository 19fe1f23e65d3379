"""Keep Millrace's processes running together: when one ends, all end, in order."""

import http.client
import multiprocessing
import os
import shlex
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import honcho.manager
import psutil
from honcho.printer import Message, Printer
from honcho.process import Popen, Process

from launcher.processes import Server, bind, bound_to_me, stop
from launcher.report import say

# honcho stops all at once and kills after 5 s. Ours stop one after the other, and workers finish what they hold.
honcho.manager.KILL_WAIT = 120
if sys.platform == "linux":
    multiprocessing.set_start_method("fork", force=True)  # binding by the kernel works for direct children only


@dataclass(frozen=True)
class Program:
    """`stop_within_s`: how long it may take to finish after SIGTERM before it is killed."""

    name: str
    command: list[str]
    log: Path
    environment: dict[str, str]
    stop_within_s: float


class BoundProcess(Process):
    """A honcho process that ends with the launcher, however that ends."""

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.launcher = os.getpid()

    def run(self, events=None, ignore_signals: bool = False) -> None:
        bind(self.launcher, signal.SIGKILL)
        self._child_ctor = partial(Popen, preexec_fn=bound_to_me(signal.SIGTERM))
        super().run(events, ignore_signals)


class Quiet(Printer):
    """Programs write their own logs; honcho's remarks would only disturb the console."""

    def write(self, message: Message) -> None:
        pass


class Supervisor(honcho.manager.Manager):
    """Starts programs, the web server on `port` first; stops them in the reverse order.

    `when_ready` is called once the web server answers that it and its database work.

    `culprit` is the program or server that ended by itself or never got ready, if any.
    """

    def __init__(
        self, programs: list[Program], servers: list[Server], port: int, when_ready: Callable[[], None]
    ) -> None:
        super().__init__(printer=Quiet())
        self._process_ctor = BoundProcess
        self.programs = programs
        self.servers = servers
        self.port = port
        self.when_ready = when_ready
        self._terminating = False
        self.culprit: Program | Server | None = None
        for program in programs:
            # The log is opened by the shell, so that lines pass through no process of ours.
            command = f"exec {shlex.join(program.command)} >>{shlex.quote(str(program.log))} 2>&1 </dev/null"
            self.add_process(program.name, command, env=program.environment)

    def _start(self) -> None:
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # a closed terminal; nohup wants to survive it
            signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
        super()._start()
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        give_up = time.monotonic() + 60
        while not self._terminating and not answers(self.port):
            if time.monotonic() > give_up:
                return self._blame(self.programs[0])
            time.sleep(0.1)
        if not self._terminating:
            self.when_ready()
        while not self._terminating:
            for server in self.servers:
                if server.process.poll() is not None:
                    return self._blame(server)
            time.sleep(0.5)

    def _blame(self, culprit: Program | Server) -> None:
        self.culprit = self.culprit or culprit
        self.terminate()

    def terminate(self) -> None:
        """Called by honcho on a signal and when a program has ended; must not block."""
        if not self._terminating:
            self._terminating = True
            ended = (program for program in self.programs if "returncode" in self._processes[program.name])
            self.culprit = self.culprit or next(ended, None)
            say("Stopping.")
            threading.Thread(target=self._stop_in_order).start()

    def _stop_in_order(self) -> None:
        give_up = time.monotonic() + 5
        while not self._all_started() and time.monotonic() < give_up:
            time.sleep(0.05)
        for program in reversed(self.programs):
            state = self._processes[program.name]
            if "pid" in state and "returncode" not in state:
                try:
                    stop([psutil.Process(state["pid"])], signal.SIGTERM, program.stop_within_s)
                except psutil.NoSuchProcess:
                    pass


def answers(port: int) -> bool:
    """Whether /readyz says 200: the web process runs and reaches its database."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
