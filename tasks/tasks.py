"""What the task system itself does later."""

from __future__ import annotations

from typing import Any

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
