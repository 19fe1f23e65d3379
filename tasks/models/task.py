"""A piece of background work and its attempts."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Exists, F, Func, OuterRef, Q
from django.db.models.functions import Now

from tasks.models.webhook import TELL_WEBHOOKS


class Status(models.TextChoices):
    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


LIVE = (Status.PENDING, Status.PROCESSING)
TERMINAL = (Status.COMPLETED, Status.FAILED, Status.CANCELLED)


FORBIDDEN = """
OLD.status <> NEW.status AND NOT (
  OLD.status = 'pending' AND NEW.status IN ('processing', 'failed', 'cancelled')
  OR OLD.status = 'processing' AND NEW.status IN ('pending', 'completed', 'failed', 'cancelled'))
"""


class TaskQuerySet(models.QuerySet):
    def dead_letters(self) -> "TaskQuerySet":
        """Failed for good and not yet retried or discarded by staff."""
        # Not `retried_by=None`: that is an outer join, of which the planner expects a single row.
        retried = Exists(self.model._default_manager.filter(retry_of=OuterRef("pk")))
        return self.filter(~retried, status=Status.FAILED, discarded_at=None)


class Task(models.Model):
    """One piece of background work, from request to end. docs/task-states.md draws its states."""

    id = models.UUIDField(primary_key=True, db_default=Func(function="uuidv7"), editable=False)
    name = models.CharField(max_length=120)
    queue_name = models.CharField(max_length=40)
    priority = models.SmallIntegerField(default=0)
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    subject_type = models.CharField(max_length=60, default="")
    subject_id = models.CharField(max_length=100, default="")
    kwargs = models.JSONField(default=dict)
    created_at = models.DateTimeField(db_default=Now())
    run_after = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    progress = models.SmallIntegerField(default=0)
    progress_message = models.CharField(max_length=200, default="")
    result = models.JSONField(null=True)
    result_ttl_s = models.IntegerField(default=3600)
    result_dropped_at = models.DateTimeField(null=True)
    error_type = models.CharField(max_length=200, default="")
    error_message = models.TextField(default="")
    error_traceback = models.TextField(default="")
    attempt = models.SmallIntegerField(default=0)
    attempt_started_at = models.DateTimeField(null=True)
    worker = models.CharField(max_length=120, default="")  # of the current or last attempt
    max_attempts = models.SmallIntegerField(default=3)
    timeout_s = models.IntegerField(default=300)
    crashes = models.SmallIntegerField(default=0)
    handed_back = models.SmallIntegerField(default=0)  # attempts that count for nothing: their worker stopped
    lease_token = models.IntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    unique_key = models.CharField(max_length=200, null=True)  # noqa: DJ001 - NULL: no key
    coalesce_key = models.CharField(max_length=200, null=True)  # noqa: DJ001 - NULL: no key
    cancel_requested_at = models.DateTimeField(null=True)
    discarded_at = models.DateTimeField(null=True)
    retry_of = models.OneToOneField("self", models.PROTECT, null=True, related_name="retried_by")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, db_index=False, related_name="+"
    )
    correlation_id = models.CharField(max_length=64, default="")
    webhook = models.ForeignKey("tasks.Webhook", models.SET_NULL, null=True, db_index=False, related_name="+")

    objects = TaskQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]  # ids are made in order of time
        constraints = [
            models.UniqueConstraint(
                fields=["unique_key"],
                condition=Q(status__in=LIVE, unique_key__isnull=False),
                name="task_unique_live",
            ),
            models.UniqueConstraint(
                fields=["coalesce_key"],
                condition=Q(status=Status.PENDING, attempt=0, coalesce_key__isnull=False),
                name="task_coalesce_waiting",
            ),
            # One expression, as each is made ready anew by every statement that changes a row.
            models.CheckConstraint(
                condition=Q(status=Status.PENDING, completed_at=None, lease_until=None)
                | Q(status=Status.PROCESSING, completed_at=None, lease_until__isnull=False)
                | Q(status__in=TERMINAL, completed_at__isnull=False, lease_until=None),
                name="task_state_whole",
            ),
            models.CheckConstraint(condition=Q(progress__range=(0, 100)), name="task_progress_percent"),
        ]
        # Rows change state twice, and each time enter every index whose condition they meet: hence the conditions.
        indexes = [
            models.Index(
                "queue_name",
                F("priority").desc(),
                "run_after",
                include=["name"],  # statistics count what waits without touching its rows
                condition=Q(status=Status.PENDING),
                name="task_due",
            ),
            models.Index(fields=["lease_until"], condition=Q(status=Status.PROCESSING), name="task_leased"),
            models.Index(fields=["completed_at"], condition=Q(completed_at__isnull=False), name="task_ended"),
            models.Index(fields=["status", "id"], condition=~Q(status=Status.COMPLETED), name="task_not_completed"),
            models.Index(
                fields=["error_type", "id"],
                include=["name", "completed_at", "discarded_at"],  # dead letters are counted from it
                condition=Q(status=Status.FAILED),
                name="task_failed",
            ),
            models.Index(fields=["id"], condition=Q(discarded_at__isnull=False), name="task_discarded"),
            models.Index(fields=["name", "id"], name="task_by_name"),
            models.Index(fields=["queue_name", "id"], name="task_by_queue"),
            models.Index(
                fields=["subject_type", "subject_id", "id"], condition=~Q(subject_type=""), name="task_by_subject"
            ),
            models.Index(
                fields=["requested_by", "id"], condition=Q(requested_by__isnull=False), name="task_by_requester"
            ),
            models.Index(fields=["correlation_id"], condition=~Q(correlation_id=""), name="task_by_correlation"),
            models.Index(
                fields=["completed_at"],
                condition=Q(result__isnull=False, status=Status.COMPLETED),
                name="task_result_held",
            ),
            models.Index(fields=["webhook"], condition=Q(webhook__isnull=False), name="task_by_webhook"),
        ]
        triggers = [
            # A terminal state never changes, whoever writes. The condition costs nothing while all is well.
            pgtrigger.Trigger(
                name="status_fsm",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(FORBIDDEN),
                func="""RAISE EXCEPTION 'A task does not go from % to %.', OLD.status, NEW.status;""",
            ),
            # Whoever ends a task, its messages are stored in the same transaction.
            pgtrigger.Trigger(
                name="tell_webhooks",
                when=pgtrigger.After,
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition("OLD.completed_at IS NULL AND NEW.completed_at IS NOT NULL"),
                func=TELL_WEBHOOKS,
            ),
        ]
        permissions = [
            ("retry_task", "Can retry a failed task"),
            ("cancel_task", "Can cancel a task"),
            ("discard_task", "Can discard a failed task"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.id}"

    @property
    def is_live(self) -> bool:
        return self.status in LIVE


class Attempt(models.Model):
    """One ended try of a task by one worker. It stays, whatever later ones bring; the running one is on the task."""

    class Outcome(models.TextChoices):
        COMPLETED = "completed"
        ERROR = "error"
        TIMED_OUT = "timed_out"
        CRASHED = "crashed"
        CANCELLED = "cancelled"
        HANDED_BACK = "handed_back"

    task = models.ForeignKey(Task, models.CASCADE, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    worker = models.CharField(max_length=120)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    outcome = models.CharField(max_length=11, choices=Outcome)
    error_type = models.CharField(max_length=200, default="")
    error_message = models.TextField(default="")
    traceback = models.TextField(default="")

    class Meta:
        ordering = ["task", "number"]
        constraints = [models.UniqueConstraint(fields=["task", "number"], name="attempt_number_once")]

    def __str__(self) -> str:
        return f"attempt {self.number} of {self.task_id}"
