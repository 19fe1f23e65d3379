"""A task that does nothing, to see what a task costs."""

import time

from tasks.definitions import task


@task
def noop() -> float:
    """Returns when it began, in seconds since 1970."""
    return time.time()
