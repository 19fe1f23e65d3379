"""Run a pool of worker processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connections

GRACE_S = 30


class Command(BaseCommand):
    help = "Run rqworker processes over all queues, and start a new one when one dies."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--num", type=int, default=max(2, os.cpu_count() or 2), help="how many workers")

    def handle(self, *args: Any, num: int, **options: Any) -> None:
        self.stopping = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        pool = [_start() for _ in range(num)]
        while not self.stopping:
            time.sleep(0.5)
            for index, process in enumerate(pool):
                if not process.is_alive() and not self.stopping:
                    self.stderr.write(f"worker {process.pid} ended with {process.exitcode}; starting another")
                    pool[index] = _start()
        for process in pool:
            if process.is_alive():
                process.terminate()
        deadline = time.monotonic() + GRACE_S
        for process in pool:
            process.join(max(0, deadline - time.monotonic()))
            if process.is_alive():
                process.kill()  # its lease runs out and the task runs again

    def _stop(self, number: int, frame: Any) -> None:
        self.stopping = True


def _start() -> Any:
    connections.close_all()
    process = multiprocessing.get_context("fork").Process(target=_work, daemon=False)
    process.start()
    return process


def _work() -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    _die_with_parent()
    call_command("rqworker", *settings.QUEUES, verbosity=0)


def _die_with_parent() -> None:
    """Where the system can (Linux), a killed pool takes its workers with it."""
    try:
        import ctypes

        PR_SET_PDEATHSIG = 1
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    except (AttributeError, OSError):
        pass
