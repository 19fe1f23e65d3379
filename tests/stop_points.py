"""Named points at which a process of the product kills or stops itself, once: for tests, without hooks in the product.

MILLRACE_TEST_STOP="point=how" names a point of POINTS and KILL or STOP; MILLRACE_TEST_MARK a file that remembers that
it has happened. MILLRACE_TEST_GRACE shortens what a stopping worker gives its task.
"""

from __future__ import annotations

import functools
import os
import signal
from collections.abc import Callable
from importlib import import_module
from typing import Any

# point: (module, dotted name in it, whether the process dies before or after the call)
POINTS = {
    "before the claim": ("tasks.claims", "claim_next", "before"),
    "after the claim": ("tasks.claims", "claim_next", "after"),
    "before the function": ("tasks.pulse", "Pulse.begin", "after"),
    "after the function": ("tasks.execution", "_as_json", "before"),
    "before the fence": ("tasks.store", "fence", "before"),
    "before the end": ("tasks.store", "complete", "before"),
    "between end and commit": ("tasks.store", "complete", "after"),
    "after the commit": ("tasks.pulse", "Pulse.finish", "after"),
    "heartbeat": ("tasks.store", "renew", "before"),
    "horse's start": ("tasks.horse", "Rider.ride", "before"),
    "before the bell": ("tasks.bell", "ring", "before"),
    "after the bell": ("tasks.bell", "ring", "after"),
    "bell in hand": ("tasks.worker", "TaskWorker._forget", "before"),
    "bell forgotten": ("tasks.worker", "TaskWorker._forget", "after"),
    "watching": ("tasks.horse", "Horse._watch", "before"),
    "burying": ("tasks.horse", "Horse._bury", "before"),
    "buried": ("tasks.horse", "Horse._bury", "after"),
    "before the sweep": ("tasks.store", "expire", "before"),
    "after the sweep": ("tasks.store", "expire", "after"),
    "tick": ("tasks.schedules", "enqueue", "after"),
    "waiting counted": ("tasks.claims", "waiting", "after"),
}


def activate() -> None:
    if grace := os.environ.get("MILLRACE_TEST_GRACE"):
        import_module("tasks.worker").STOP_GRACE_S = float(grace)  # type: ignore[attr-defined]
    if wanted := os.environ.get("MILLRACE_TEST_STOP"):
        point, how = wanted.split("=")
        wrap(*POINTS[point], number=getattr(signal, f"SIG{how}"))


def wrap(module: str, name: str, when: str, *, number: int) -> None:
    """Replace the function by one that ends its process, the first time anywhere that it gets there."""
    *path, attribute = name.split(".")
    owner: Any = functools.reduce(getattr, path, import_module(module))
    original: Callable[..., Any] = getattr(owner, attribute)

    @functools.wraps(original)
    def stopping(*args: Any, **kwargs: Any) -> Any:
        if when == "before":
            once(number)
        answer = original(*args, **kwargs)
        if when == "after" and answer is not False and (answer is not None or attribute != "claim_next"):
            once(number)
        return answer

    setattr(owner, attribute, stopping)


def once(number: int) -> None:
    try:
        os.close(os.open(os.environ["MILLRACE_TEST_MARK"], os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return
    os.kill(os.getpid(), number)
