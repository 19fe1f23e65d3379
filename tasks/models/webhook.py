"""Who is told over HTTP when a task ends, each message to them, and each try to send it."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Now


class Webhook(models.Model):
    """An address that is told of ended tasks. `secret` signs the messages; no page, list, log or entry shows it.

    standing: told of every matching task; otherwise only of tasks that name it (`.using(webhook_id=…)`).
    sees_all: matching tasks of everybody, because staff made it; otherwise only those its owner asked for.
    task_names: empty for all.
    """

    id = models.UUIDField(primary_key=True, db_default=Func(function="uuidv7"), editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    url = models.CharField(max_length=500)
    description = models.CharField(max_length=200, default="")
    secret = models.CharField(max_length=80)
    previous_secret = models.CharField(max_length=80, default="")
    previous_until = models.DateTimeField(null=True)  # until then messages are signed with both
    standing = models.BooleanField(default=True)
    sees_all = models.BooleanField(default=False)
    task_names = ArrayField(models.CharField(max_length=120), default=list)
    states = ArrayField(models.CharField(max_length=10), default=list)
    created_at = models.DateTimeField(db_default=Now())
    disabled_at = models.DateTimeField(null=True)
    disabled_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    disabled_reason = models.CharField(max_length=300, default="")
    deleted_at = models.DateTimeField(null=True)  # the row stays for the log of its deliveries, without its secrets

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(
                fields=["sees_all"], condition=Q(sees_all=True, disabled_at=None), name="webhook_of_everything"
            )
        ]
        permissions = [("manage_webhook", "Can disable, enable and test webhooks")]

    def __str__(self) -> str:
        return f"webhook {self.id}"


class Delivery(models.Model):
    """One message to a webhook. Made by a trigger in the transaction that ends the task (tasks.models.task).

    message_id: the same for every attempt and for a delivery sent again, so that receivers can tell doubles.
    payload: the exact JSON that is signed and sent; empty until the message is on its way.
    """

    class State(models.TextChoices):
        NEW = "new"
        SENDING = "sending"
        DELIVERED = "delivered"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, db_default=Func(function="uuidv7"), editable=False)
    webhook = models.ForeignKey(Webhook, models.CASCADE, db_index=False, related_name="deliveries")
    task = models.ForeignKey("tasks.Task", models.CASCADE, null=True, related_name="deliveries")
    event = models.CharField(max_length=40)
    message_id = models.CharField(max_length=64)
    state = models.CharField(max_length=9, choices=State, db_default=State.NEW)
    payload = models.TextField(db_default="")
    error = models.CharField(max_length=300, db_default="")
    created_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)
    sender = models.OneToOneField("tasks.Task", models.SET_NULL, null=True, related_name="+")  # the task that sends it
    resent_of = models.ForeignKey("self", models.SET_NULL, null=True, related_name="resent")

    class Meta:
        verbose_name_plural = "deliveries"
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["task", "webhook"], condition=Q(resent_of=None, task__isnull=False), name="delivery_once"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["new", "sending"], ended_at=None)
                | Q(state__in=["delivered", "failed"], ended_at__isnull=False),
                name="delivery_ended_at_iff_ended",
            ),
        ]
        indexes = [
            models.Index("webhook", F("created_at").desc(), F("id").desc(), name="delivery_newest"),
            models.Index(fields=["id"], condition=Q(state="new"), name="delivery_new"),
            models.Index(fields=["ended_at"], condition=Q(ended_at__isnull=False), name="delivery_ended"),
        ]
        permissions = [("resend_delivery", "Can send a webhook message again")]

    def __str__(self) -> str:
        return f"{self.event} {self.message_id}"


class DeliveryAttempt(models.Model):
    """One try to send a message, and what the receiver answered. `status` is empty when there was no answer."""

    delivery = models.ForeignKey(Delivery, models.CASCADE, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    started_at = models.DateTimeField()
    took_ms = models.PositiveIntegerField()
    status = models.PositiveSmallIntegerField(null=True)
    excerpt = models.CharField(max_length=1024, default="")  # the beginning of the answer's body
    error = models.CharField(max_length=300, default="")

    class Meta:
        ordering = ["delivery", "id"]

    def __str__(self) -> str:
        return f"attempt {self.number} of {self.delivery_id}"


# The body of a trigger on tasks. The end of a sending task ends its delivery and tells nobody else.
TELL_WEBHOOKS = """
IF NEW.name = 'tasks.deliver_webhook' THEN
  UPDATE tasks_delivery SET state = 'failed', ended_at = NEW.completed_at, error = left(NEW.error_message, 300)
  WHERE sender_id = NEW.id AND state = 'sending';
ELSIF EXISTS (SELECT 1 FROM tasks_webhook) THEN
  INSERT INTO tasks_delivery (webhook_id, task_id, event, message_id)
  SELECT w.id, NEW.id, 'task.' || NEW.status, 'msg_' || replace(uuidv7()::text, '-', '')
  FROM tasks_webhook w
  WHERE w.id = ANY(ARRAY(  -- by index, since most webhooks are other people's
      SELECT NEW.webhook_id
      UNION ALL SELECT o.id FROM tasks_webhook o WHERE o.owner_id = NEW.requested_by_id
      UNION ALL SELECT a.id FROM tasks_webhook a WHERE a.sees_all AND a.disabled_at IS NULL))
    AND w.disabled_at IS NULL AND w.deleted_at IS NULL AND NEW.status = ANY(w.states)
    AND (w.id = NEW.webhook_id
         OR (w.owner_id = NEW.requested_by_id OR w.sees_all) AND w.standing
            AND (w.task_names = '{}' OR NEW.name = ANY(w.task_names)));
END IF;
RETURN NULL;
"""
