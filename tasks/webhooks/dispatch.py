"""Send messages on their way: new ones as the scheduler finds them, tests and repetitions at once."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models.functions import Now

from audit.services import log_audit_event
from tasks.models import Delivery, Webhook
from tasks.tasks import deliver_webhook
from tasks.webhooks import messages
from tasks.webhooks.endpoints import WrongState

BATCH = 100
CLEAN_BATCH = 1_000
KEPT = timedelta(days=30)


def dispatch() -> int:
    """Start a task for each new message. Returns how many; two schedulers at once share them."""
    sent = 0
    while batch := _dispatch(BATCH):
        sent += batch
        if batch < BATCH:
            break
    return sent


@transaction.atomic
def _dispatch(limit: int) -> int:
    new = Delivery.objects.filter(state=Delivery.State.NEW).order_by("id")
    rows = list(new.select_related("task").select_for_update(skip_locked=True, of=("self",))[:limit])
    for row in rows:
        row.payload = messages.payload(row)
    senders = deliver_webhook.enqueue_many({"delivery_id": str(row.pk)} for row in rows) if rows else []
    for row, sender in zip(rows, senders, strict=True):
        row.sender_id, row.state = sender, Delivery.State.SENDING
    Delivery.objects.bulk_update(rows, ["payload", "sender", "state"])
    return len(rows)


@transaction.atomic
def send_test(*, webhook: Webhook, reason: str = "") -> Delivery:
    """Send a `webhook.test` message. Raises WrongState for a disabled webhook."""
    _refuse_disabled(webhook)
    delivery = Delivery.objects.create(webhook=webhook, event="webhook.test", message_id=messages.new_message_id())
    delivery.refresh_from_db()
    delivery.payload = messages.payload(delivery)
    log_audit_event("webhook_tested", "webhook", webhook.pk, {"reason": reason, "message": delivery.message_id})
    return _start(delivery)


@transaction.atomic
def resend(*, delivery: Delivery, reason: str = "") -> Delivery:
    """Send a message again, the same bytes under the same message id, as a delivery of its own.

    Raises WrongState while it is still being sent, and for a disabled webhook.
    """
    old = Delivery.objects.select_for_update(of=("self",)).select_related("webhook").get(pk=delivery.pk)
    if old.ended_at is None:
        raise WrongState("This message is still being sent.")
    _refuse_disabled(old.webhook)
    new = Delivery.objects.create(
        webhook=old.webhook,
        task_id=old.task_id,
        event=old.event,
        message_id=old.message_id,
        payload=old.payload,
        resent_of=old,
    )
    new.refresh_from_db()
    log_audit_event(
        "webhook_resent",
        "webhook",
        old.webhook_id,
        {"reason": reason, "message": old.message_id, "delivery": str(new.pk)},
    )
    return _start(new)


def clean() -> None:
    """Forget messages that ended 30 days ago, and secrets whose day is over."""
    Webhook.objects.filter(previous_until__lt=Now()).update(previous_secret="", previous_until=None)
    while _drop(CLEAN_BATCH) == CLEAN_BATCH:
        pass


def _drop(limit: int) -> int:
    with transaction.atomic():
        ended = Delivery.objects.filter(ended_at__lt=Now() - KEPT).order_by()
        old = list(ended.select_for_update(skip_locked=True).values_list("pk", flat=True)[:limit])
        Delivery.objects.filter(pk__in=old).delete()
    return len(old)


def _start(delivery: Delivery) -> Delivery:
    delivery.sender_id = deliver_webhook.enqueue(delivery_id=str(delivery.pk)).id  # type: ignore[assignment]
    delivery.state = Delivery.State.SENDING
    delivery.save(update_fields=["payload", "sender", "state"])
    return delivery


def _refuse_disabled(webhook: Webhook) -> None:
    if webhook.deleted_at is not None:
        raise WrongState("The webhook was deleted.")
    if webhook.disabled_at is not None:
        raise WrongState("The webhook is disabled.")
