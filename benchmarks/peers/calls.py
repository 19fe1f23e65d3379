"""A peer's process takes calls on standard input and answers with milliseconds, so that rounds can alternate."""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any


def serve(calls: Mapping[str, Callable[..., Any]]) -> None:
    """Answer each line `{"call": name, "times": n, …}` with the milliseconds of each time; the result is discarded.

    What stands under "prepare NAME" runs before each time, off the clock.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the peer prints is no answer
    for line in sys.stdin:
        asked = json.loads(line)
        name, times = asked.pop("call"), asked.pop("times", 1)
        call, prepare = calls[name], calls.get(f"prepare {name}")
        spent = []
        for _ in range(times):
            if prepare:
                prepare()
            started = time.perf_counter()
            call(**asked)
            spent.append((time.perf_counter() - started) * 1000)
        print(json.dumps(spent), file=answers, flush=True)
