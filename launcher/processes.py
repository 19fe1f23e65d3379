"""No process outlives its launcher: bound to it by the kernel where that exists, found by a mark elsewhere."""

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from subprocess import Popen

import psutil

MARK = "MILLRACE_LAUNCHED_FROM"  # in the environment of all we start: the data folder; survives forks and daemons
PR_SET_PDEATHSIG = 1

libc = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True)
class Server:
    """A running database server. `process` is our own child; `url` is what clients connect to."""

    name: str
    url: str
    process: Popen[bytes]
    log: Path


def bound_to_me(sig: signal.Signals) -> Callable[[], None]:
    """A `preexec_fn`: the kernel sends `sig` to the child when the calling thread ends, even by kill -9 (Linux)."""
    return partial(bind, os.getpid(), sig)


def bind(parent: int, sig: signal.Signals) -> None:
    if libc is not None:
        libc.prctl(PR_SET_PDEATHSIG, int(sig), 0, 0, 0)
        if os.getppid() != parent:  # it died before we asked
            os.kill(os.getpid(), signal.SIGKILL)


def sweep(data: Path) -> None:
    """End every process that was started under this data folder and is still there."""
    family = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    stop([p for p in psutil.process_iter() if p.pid not in family and is_marked(p, data)], signal.SIGTERM, grace_s=10)


def is_marked(process: psutil.Process, data: Path) -> bool:
    try:
        return process.environ().get(MARK) == str(data)
    except (psutil.Error, OSError):
        return False  # gone, or another user's


def stop(processes: Iterable[psutil.Process], sig: signal.Signals, grace_s: float) -> None:
    """Ask with `sig`, wait, and kill what stays, together with its children."""
    asked = list(processes)
    for process in asked:
        _send(process, sig)
    stubborn = _wait(asked, grace_s)
    for process in stubborn:
        for child in _children(process):
            _send(child, signal.SIGKILL)
        _send(process, signal.SIGKILL)
    _wait(stubborn, 5)


def is_alive(process: psutil.Process) -> bool:
    """A zombie is not: in a container whose first process does not collect them they stay for ever."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _wait(processes: list[psutil.Process], timeout_s: float) -> list[psutil.Process]:
    """Those that are still there when the time is over."""
    give_up = time.monotonic() + timeout_s
    while (there := [process for process in processes if is_alive(process)]) and time.monotonic() < give_up:
        time.sleep(0.02)
    return there


def _send(process: psutil.Process, sig: signal.Signals) -> None:
    try:
        process.send_signal(sig)
    except psutil.NoSuchProcess:
        pass


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []
