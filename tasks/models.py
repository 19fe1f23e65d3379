"""The rows that are the truth about background work. RQ only rings the bell."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Now


class Status(models.TextChoices):
    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


LIVE = (Status.PENDING, Status.PROCESSING)
TERMINAL = (Status.COMPLETED, Status.FAILED, Status.CANCELLED)


class TaskQuerySet(models.QuerySet):
    def dead_letters(self) -> "TaskQuerySet":
        """Failed for good and not yet retried or discarded by staff."""
        return self.filter(status=Status.FAILED, discarded_at=None, retried_by=None)


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
    run_after = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    progress = models.PositiveSmallIntegerField(default=0)
    progress_message = models.CharField(max_length=200, default="")
    result = models.JSONField(null=True)
    result_ttl_s = models.PositiveIntegerField(default=3600)
    result_dropped_at = models.DateTimeField(null=True)
    error_type = models.CharField(max_length=200, default="")
    error_message = models.TextField(default="")
    error_traceback = models.TextField(default="")
    attempt = models.PositiveSmallIntegerField(default=0)
    max_attempts = models.PositiveSmallIntegerField(default=3)
    crashes = models.PositiveSmallIntegerField(default=0)
    lease_token = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    send_at = models.DateTimeField(db_default=Now())  # when the relay should ring (again) for it
    send_no = models.PositiveIntegerField(default=0)
    unique_key = models.CharField(max_length=200, null=True)  # noqa: DJ001 - NULL: no key
    coalesce_key = models.CharField(max_length=200, null=True)  # noqa: DJ001 - NULL: no key
    cancel_requested_at = models.DateTimeField(null=True)
    discarded_at = models.DateTimeField(null=True)
    retry_of = models.OneToOneField("self", models.PROTECT, null=True, related_name="retried_by")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    correlation_id = models.CharField(max_length=64, default="")

    objects = TaskQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["unique_key"], condition=Q(status__in=LIVE), name="task_unique_live"),
            models.UniqueConstraint(
                fields=["coalesce_key"],
                condition=Q(status=Status.PENDING, attempt=0),
                name="task_coalesce_waiting",
            ),
            models.CheckConstraint(condition=Q(progress__lte=100), name="task_progress_percent"),
            models.CheckConstraint(condition=Q(status__in=Status.values), name="task_status_known"),
            models.CheckConstraint(
                condition=Q(status__in=LIVE, completed_at=None) | Q(status__in=TERMINAL, completed_at__isnull=False),
                name="task_completed_at_iff_ended",
            ),
        ]
        indexes = [
            models.Index(fields=["send_at"], condition=Q(status=Status.PENDING), name="task_due"),
            models.Index(fields=["lease_until"], condition=Q(status=Status.PROCESSING), name="task_leased"),
            models.Index(fields=["-created_at", "-id"], name="task_newest"),
            models.Index(fields=["status", "-created_at", "-id"], name="task_by_status"),
            models.Index(fields=["name", "-created_at"], name="task_by_name"),
            models.Index(fields=["subject_type", "subject_id", "-created_at"], name="task_by_subject"),
            models.Index(fields=["requested_by", "-created_at"], name="task_by_requester"),
            models.Index(
                fields=["completed_at"],
                condition=Q(result__isnull=False, status=Status.COMPLETED),
                name="task_result_held",
            ),
        ]
        triggers = [
            # A terminal state never changes, whoever writes.
            pgtrigger.FSM(
                name="status_fsm",
                field="status",
                transitions=[
                    (Status.PENDING, Status.PROCESSING),
                    (Status.PENDING, Status.FAILED),
                    (Status.PENDING, Status.CANCELLED),
                    (Status.PROCESSING, Status.PENDING),
                    (Status.PROCESSING, Status.COMPLETED),
                    (Status.PROCESSING, Status.FAILED),
                    (Status.PROCESSING, Status.CANCELLED),
                ],
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
    """One try of a task by one worker. Its outcome stays, whatever later attempts bring."""

    class Outcome(models.TextChoices):
        RUNNING = "running"
        COMPLETED = "completed"
        ERROR = "error"
        CRASHED = "crashed"
        CANCELLED = "cancelled"

    task = models.ForeignKey(Task, models.CASCADE, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    worker = models.CharField(max_length=120)
    started_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=10, choices=Outcome, default=Outcome.RUNNING)
    error_type = models.CharField(max_length=200, default="")
    error_message = models.TextField(default="")
    traceback = models.TextField(default="")

    class Meta:
        ordering = ["task", "number"]
        constraints = [models.UniqueConstraint(fields=["task", "number"], name="attempt_number_once")]

    def __str__(self) -> str:
        return f"attempt {self.number} of {self.task_id}"

    @property
    def duration(self) -> object:
        return self.ended_at - self.started_at if self.ended_at else None


class PeriodicRun(models.Model):
    """A slot of a periodic task that has been enqueued. The key makes a double tick impossible."""

    name = models.CharField(max_length=120)
    slot = models.DateTimeField()
    task = models.ForeignKey(Task, models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "slot"], name="periodic_slot_once")]
        indexes = [models.Index(F("slot"), name="periodic_slot")]

    def __str__(self) -> str:
        return f"{self.name} @ {self.slot:%Y-%m-%d %H:%M:%S}"
