"""The trail of who did what. Rows are only ever added; the seals over them too."""

import pgtrigger
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


def append_only() -> list[pgtrigger.Trigger]:
    """Triggers that refuse every change and removal, TRUNCATE included."""
    refuse = "RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';"
    return [
        pgtrigger.Trigger(
            name="append_only",
            level=pgtrigger.Statement,
            when=pgtrigger.Before,
            operation=pgtrigger.Update | pgtrigger.Delete,
            func=refuse,
        ),
        pgtrigger.Trigger(
            name="no_truncate",
            level=pgtrigger.Statement,
            when=pgtrigger.Before,
            operation=pgtrigger.Truncate,
            func=refuse,
        ),
    ]


class Entry(models.Model):
    """One action. Written unsealed in the transaction of the action itself, so neither exists without the other."""

    class Status(models.TextChoices):
        SUCCESS = "success"
        FAILURE = "failure"
        DENIED = "denied"

    at = models.DateTimeField(db_default=Now())
    action = models.CharField(max_length=100)
    entity_type = models.CharField(max_length=60)
    entity_id = models.CharField(max_length=100)
    actor = models.CharField(max_length=120)
    status = models.CharField(max_length=10, choices=Status, default=Status.SUCCESS)
    ip = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=300, default="")
    correlation_id = models.CharField(max_length=64, default="")
    metadata = models.JSONField(default=dict)

    class Meta:
        verbose_name_plural = "entries"
        indexes = [
            models.Index(fields=["entity_type", "entity_id", "-id"], name="audit_entity"),
            models.Index(fields=["actor", "-id"], name="audit_actor"),
            models.Index(fields=["action", "-id"], name="audit_action"),
            models.Index(fields=["-at", "-id"], name="audit_time"),
            models.Index(fields=["correlation_id", "-id"], name="audit_correlation", condition=~Q(correlation_id="")),
            models.Index(fields=["status", "-id"], name="audit_status", condition=~Q(status="success")),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.action} {self.entity_type}:{self.entity_id}"


class Seal(models.Model):
    """A link of the hash chain: entry `entry_id` is number `sequence`, without gaps, after `previous_hash`."""

    sequence = models.BigIntegerField(primary_key=True)
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="seal")
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)
    sealed_at = models.DateTimeField(db_default=Now())

    class Meta:
        triggers = append_only()

    def __str__(self) -> str:
        return f"#{self.sequence} {self.hash[:12]}"
