"""What is sent: JSON in the shape of Standard Webhooks, and signatures over the very bytes."""

from __future__ import annotations

import base64
import secrets
from datetime import datetime
from typing import Any

from standardwebhooks import Webhook as Signer

from base.renderers import JSONRenderer
from tasks.models import Delivery, Task, Webhook
from tasks.serializers import TaskSerializer

MOST_RESULT = 64 * 1024  # bytes of JSON; a larger result is fetched from the task


def new_secret() -> str:
    """256 random bits in the form the libraries of Standard Webhooks take."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def new_message_id() -> str:
    return f"msg_{secrets.token_hex(16)}"


def payload(delivery: Delivery) -> str:
    """`{type, timestamp, data}`: data is the task as `GET /api/v1/tasks/{id}` shows it, or the webhook's own test."""
    if delivery.task is None:
        data: dict[str, Any] = {"webhook_id": str(delivery.webhook_id)}
        at = delivery.created_at
    else:
        data, at = _task(delivery.task), delivery.task.completed_at or delivery.created_at
    return _json({"type": delivery.event, "timestamp": at, "data": data}).decode()


def _task(task: Task) -> dict[str, Any]:
    data = dict(TaskSerializer(task).data)
    omitted = len(_json(data["result"])) > MOST_RESULT
    return {**data, "result": None if omitted else data["result"], "result_omitted": omitted}


def _json(value: Any) -> bytes:
    """As the API writes it."""
    return JSONRenderer().render(value) or b"null"


def headers(webhook: Webhook, delivery: Delivery, now: datetime) -> dict[str, str]:
    """Id, time and signature; while a secret is being changed, a signature with each."""
    keys = [webhook.secret]
    if webhook.previous_secret and webhook.previous_until and webhook.previous_until > now:
        keys.append(webhook.previous_secret)
    return {
        "content-type": "application/json",
        "accept-encoding": "identity",
        "webhook-id": delivery.message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(Signer(key).sign(delivery.message_id, now, delivery.payload) for key in keys),
    }
