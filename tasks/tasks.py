"""Background work about background work."""

from __future__ import annotations

from typing import Any

from tasks import bulk
from tasks.definitions import task

FIRST = "00000000-0000-0000-0000-000000000000"


@task(queue_name="low", atomic=False, takes_context=True, timeout_s=6 * 3600, max_attempts=5)
def act_on_matching(
    context: Any, *, action: str, filter: dict, until: str, reason: str, after: str = FIRST, done: int = 0
) -> dict:
    """Retry, discard or cancel every task that meets a filter; see tasks.bulk."""
    return bulk.act(context, action=action, filter=filter, until=until, reason=reason, after=after, done=done)
