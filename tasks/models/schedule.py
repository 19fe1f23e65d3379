"""Periodic tasks: what is declared beside their code, when each ran last and runs next."""

from django.conf import settings
from django.db import models
from django.db.models import F


class Missed(models.TextChoices):
    """What becomes of slots that passed while no scheduler ran, or during a pause."""

    LATEST = "latest"  # run once for the newest of them
    SKIP = "skip"  # run none of them
    ALL = "all"  # run every one, the oldest first


class Schedule(models.Model):
    """A declared periodic task. Its rhythm comes from the code; last and next slot and a pause are kept here."""

    name = models.CharField(max_length=120, primary_key=True)
    rhythm = models.CharField(max_length=100)  # `every 300 s` or a cron expression, UTC
    missed = models.CharField(max_length=6, choices=Missed, default=Missed.LATEST)
    kwargs = models.JSONField(default=dict)
    declared = models.BooleanField(default=True)  # false: its code is gone
    last_slot = models.DateTimeField(null=True)
    next_slot = models.DateTimeField(null=True)
    last_task = models.ForeignKey("tasks.Task", models.SET_NULL, null=True, related_name="+")
    paused_at = models.DateTimeField(null=True)
    paused_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    reason = models.CharField(max_length=300, default="")

    class Meta:
        verbose_name = "periodic task"
        ordering = ["name"]
        permissions = [("run_schedule", "Can run, pause and resume periodic tasks")]

    def __str__(self) -> str:
        return self.name


class PeriodicRun(models.Model):
    """A slot of a periodic task that has been enqueued. The key makes a double tick impossible."""

    name = models.CharField(max_length=120)
    slot = models.DateTimeField()
    task = models.ForeignKey("tasks.Task", models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "slot"], name="periodic_slot_once")]
        indexes = [models.Index(F("slot"), name="periodic_slot")]

    def __str__(self) -> str:
        return f"{self.name} @ {self.slot:%Y-%m-%d %H:%M:%S}"
