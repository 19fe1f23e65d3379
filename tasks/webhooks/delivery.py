"""One attempt to deliver a message, and what its answer means."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from tasks.errors import PermanentError, TemporaryError
from tasks.models import Delivery, DeliveryAttempt, Webhook
from tasks.webhooks import addresses, endpoints, messages, sending

WAITS_S = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
MOST_RETRY_AFTER_S = 3_600
TRY_AGAIN = {408, 425, 429}
GONE = 410


class NotDelivered(TemporaryError):
    """The receiver is away, busy or broken; it is tried again."""


class Refused(PermanentError):
    """The receiver does not want the message, or it must not be sent."""


def deliver(context: Any, delivery_id: str) -> dict[str, Any]:
    """Send a message once and note what came of it. Raises NotDelivered, Refused."""
    delivery = Delivery.objects.select_related("webhook__owner").get(pk=delivery_id)
    if delivery.state != Delivery.State.SENDING:  # an attempt that lost its lease had already delivered it
        return {"state": delivery.state}
    _check_owner(delivery.webhook)
    now = timezone.now()
    try:
        target = addresses.parse(delivery.webhook.url)
        headers = messages.headers(delivery.webhook, delivery, now)
        answer = sending.post(target, body=delivery.payload.encode(), headers=headers)
    except addresses.BadAddress as error:
        answer = sending.Answer(0, error=str(error))
        refusal: Exception | None = Refused(str(error))
    else:
        refusal = judge(answer, attempt=context.attempt, now=now)
    with transaction.atomic():
        DeliveryAttempt.objects.create(
            delivery=delivery,
            number=context.attempt,
            started_at=now,
            took_ms=answer.took_ms,
            status=answer.status,
            excerpt=answer.excerpt,
            error=answer.error,
        )
        if refusal is None:
            Delivery.objects.filter(pk=delivery.pk).update(state=Delivery.State.DELIVERED, ended_at=Now(), error="")
        elif answer.status == GONE:
            endpoints.disable(webhook=delivery.webhook, reason="The receiver answered 410 Gone.")
        context.fence()
    if refusal is not None:
        raise refusal
    return {"state": Delivery.State.DELIVERED, "status": answer.status}


def judge(answer: sending.Answer, *, attempt: int, now: datetime) -> Exception | None:
    """None for a delivered message, else why it is not and whether to try again."""
    status = answer.status
    if status is None:
        return NotDelivered(answer.error)
    if 200 <= status < 300:
        return None
    said = f"The receiver answered {status}."
    if status in TRY_AGAIN or status >= 500:
        asked = seconds_until(answer.retry_after, now)
        planned = WAITS_S[min(attempt, len(WAITS_S)) - 1]
        # Never earlier than planned: a receiver that says "now" each time would use up the attempts in a moment.
        return NotDelivered(said, retry_after_s=None if asked is None else max(asked, planned))
    return Refused(said)


def seconds_until(retry_after: str, now: datetime) -> float | None:
    """`Retry-After` as seconds, at most an hour. None: there is none, or it says nothing."""
    if retry_after.isascii() and retry_after.isdigit():
        return float(min(int(retry_after), MOST_RETRY_AFTER_S))
    try:
        at = parsedate_to_datetime(retry_after)
    except (TypeError, ValueError):
        return None
    wait = ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds()
    return min(max(wait, 0.0), MOST_RETRY_AFTER_S)


def _check_owner(webhook: Webhook) -> None:
    """What held when the webhook was made must hold still."""
    if webhook.deleted_at is not None:
        raise Refused("The webhook was deleted.")
    if webhook.disabled_at is not None:
        raise Refused("The webhook is disabled.")
    if not may_keep(webhook):
        reason = "Its owner may no longer see what it tells."
        endpoints.disable(webhook=webhook, reason=reason)
        raise Refused(reason)


def may_keep(webhook: Webhook) -> bool:
    owner: Any = webhook.owner
    return owner.is_active and (not webhook.sees_all or owner.is_superuser or owner.role in endpoints.SEE_ALL)
