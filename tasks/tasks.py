"""What the task system itself does later."""

from __future__ import annotations

from typing import Any

from tasks import bulk
from tasks.definitions import task
from tasks.webhooks.delivery import WAITS_S, deliver


@task(
    queue_name="low",
    takes_context=True,
    atomic=False,
    max_attempts=len(WAITS_S) + 1,
    waits_s=WAITS_S,
    max_running=4,  # receivers that hang must not hold every worker
    timeout_s=30,
)
def deliver_webhook(context: Any, *, delivery_id: str) -> dict[str, Any]:
    """Tell a webhook of an ended task; for three days, until its receiver takes the message."""
    return deliver(context, delivery_id)


FIRST = "00000000-0000-0000-0000-000000000000"


@task(queue_name="low", atomic=False, takes_context=True, timeout_s=6 * 3600, max_attempts=5)
def act_on_matching(
    context: Any, *, action: str, filter: dict, until: str, reason: str, after: str = FIRST, done: int = 0
) -> dict:
    """Retry, discard or cancel every task that meets a filter; see tasks.bulk."""
    return bulk.act(context, action=action, filter=filter, until=until, reason=reason, after=after, done=done)
