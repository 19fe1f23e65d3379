"""What operators set for a queue or a task name while everything runs."""

from django.conf import settings
from django.db import models
from django.db.models import Q


class Control(models.Model):
    """A pause or a limit of a queue or of a task name. Claims read it, so it holds for every worker at once."""

    class Kind(models.TextChoices):
        QUEUE = "queue"
        TASK = "task"

    kind = models.CharField(max_length=5, choices=Kind)
    name = models.CharField(max_length=120)
    paused_at = models.DateTimeField(null=True)
    paused_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    reason = models.CharField(max_length=300, default="")
    max_running = models.PositiveSmallIntegerField(null=True)  # NULL: no limit beside the declared one

    class Meta:
        verbose_name, verbose_name_plural = "queue or task name", "queues and limits"
        ordering = ["kind", "name"]
        constraints = [
            models.UniqueConstraint(fields=["kind", "name"], name="control_once"),
            models.CheckConstraint(condition=Q(max_running=None) | Q(max_running__gte=1), name="control_lets_one_run"),
        ]
        permissions = [("pause_work", "Can pause, resume and limit queues and task names")]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"
