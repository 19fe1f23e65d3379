"""Reports of residents, where they are, how they went on, and who is to deal with them."""

import pgtrigger
from django.conf import settings
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Now, Upper

from reports.classification.models import Classification, Correction
from reports.duplicates.models import ON_REPORT as MERGED_ONCE
from reports.duplicates.models import DuplicateLink
from reports.filing.models import Tally
from reports.open311.models import Attribute, Submission
from reports.review.models import ReviewDecision, ReviewItem
from reports.review.triggers import ON_REPORT

__all__ = [
    "Attribute",
    "Category",
    "Classification",
    "Comment",
    "Confirmation",
    "Correction",
    "Department",
    "DuplicateLink",
    "Photo",
    "Report",
    "ReviewDecision",
    "ReviewItem",
    "StatusChange",
    "Submission",
    "Tally",
    "Waiting",
]


class Department(models.Model):
    """A part of the administration; its members see its reports."""

    code = models.SlugField(max_length=30, primary_key=True)
    name = models.CharField(max_length=80)
    email = models.EmailField(default="", blank=True)
    members = models.ManyToManyField(settings.AUTH_USER_MODEL, blank=True, related_name="departments")
    triages = models.BooleanField(default=False)  # its members also see what has no department yet

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Category(models.Model):
    """What a report is about, and whose it is."""

    code = models.SlugField(max_length=30, primary_key=True)
    name = models.CharField(max_length=80)
    description = models.CharField(max_length=300, default="", blank=True)
    department = models.ForeignKey(Department, models.PROTECT, related_name="categories")
    resolve_hours = models.PositiveIntegerField()  # from the report to its resolution, as the department promises
    position = models.PositiveSmallIntegerField(default=100)
    is_active = models.BooleanField(default=True)  # offered to who files a report
    changed_at = models.DateTimeField(auto_now=True, db_default=Now())

    class Meta:
        ordering = ["position", "code"]
        verbose_name_plural = "categories"

    def __str__(self) -> str:
        return self.name


# From which status a report may go to which: the database and the service go by this one table.
MOVES = {
    "received": ("acknowledged", "in_progress", "resolved", "rejected", "duplicate"),
    "acknowledged": ("in_progress", "resolved", "rejected", "duplicate"),
    "in_progress": ("acknowledged", "resolved", "rejected", "duplicate"),
    "resolved": ("in_progress", "duplicate"),  # opened again
    "rejected": ("received",),  # rejected by mistake
    "duplicate": ("received", "acknowledged", "in_progress", "resolved"),  # taken apart again
}


class Report(models.Model):
    """A problem at a place, told by a resident."""

    class Severity(models.TextChoices):
        LOW = "low"
        MEDIUM = "medium"
        HIGH = "high"
        CRITICAL = "critical"

    class Status(models.TextChoices):
        RECEIVED = "received"
        ACKNOWLEDGED = "acknowledged"  # a department has it
        IN_PROGRESS = "in_progress"
        RESOLVED = "resolved"
        REJECTED = "rejected"  # spam, not a matter of the city, or not true
        DUPLICATE = "duplicate"  # merged into another report, which goes on for both

    class Source(models.TextChoices):
        API = "api"
        OPEN311 = "open311"
        IMPORTED = "imported"
        SYNTHETIC = "synthetic"

    # Indexes of several columns begin with these three.
    reporter = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="reports", db_index=False
    )
    title = models.CharField(max_length=200)
    description = models.TextField()
    latitude = models.FloatField()
    longitude = models.FloatField()
    cell = models.CharField(max_length=15)  # the H3 cell of resolution 9 that holds the place
    address = models.CharField(max_length=300, default="")
    category = models.ForeignKey(Category, models.PROTECT, null=True, related_name="reports", db_index=False)
    department = models.ForeignKey(Department, models.PROTECT, null=True, related_name="reports", db_index=False)
    severity = models.CharField(max_length=8, choices=Severity, default=Severity.MEDIUM)
    status = models.CharField(max_length=12, choices=Status, default=Status.RECEIVED)
    merged_into = models.ForeignKey("self", models.PROTECT, null=True, related_name="merged")
    source = models.CharField(max_length=10, choices=Source, default=Source.API)
    external_ref = models.CharField(max_length=60, null=True, unique=True)  # noqa: DJ001 - NULL: filed here
    confirmations_count = models.PositiveIntegerField(default=0)  # residents who have the same problem
    comments_count = models.PositiveIntegerField(default=0)
    ip = models.GenericIPAddressField(null=True)
    reported_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())
    closed_at = models.DateTimeField(null=True)  # resolved, rejected or merged

    class Meta:
        ordering = ["-reported_at", "-id"]
        permissions = [("handle_report", "Can move reports on, and hide photos and comments")]
        constraints = [
            models.CheckConstraint(
                condition=Q(latitude__gte=-90, latitude__lte=90, longitude__gte=-180, longitude__lte=180),
                name="report_on_earth",  # no NaN either: it is greater than everything
            ),
            models.CheckConstraint(
                condition=Q(status="duplicate", merged_into__isnull=False)
                | ~Q(status="duplicate") & Q(merged_into__isnull=True),
                name="report_merged_or_not",
            ),
            models.CheckConstraint(
                condition=Q(merged_into=None) | ~Q(merged_into=F("id")), name="report_not_merged_into_itself"
            ),
        ]
        indexes = [
            models.Index(fields=["-reported_at", "-id"], name="report_newest"),
            models.Index(fields=["cell", "-reported_at"], name="report_by_cell"),
            models.Index(fields=["latitude", "longitude"], name="report_by_place"),
            models.Index(fields=["reporter", "-reported_at", "-id"], name="report_by_reporter"),
            models.Index(fields=["category", "-reported_at", "-id"], name="report_by_category"),
            models.Index(fields=["department", "-reported_at", "-id"], name="report_by_department"),
            models.Index(fields=["status", "-reported_at", "-id"], name="report_by_status"),
            models.Index(Upper("address"), name="report_by_address", condition=~Q(address="")),
            models.Index(
                fields=["severity", "-reported_at", "-id"], condition=~Q(severity="medium"), name="report_by_severity"
            ),
            models.Index(fields=["ip", "-reported_at"], condition=Q(ip__isnull=False), name="report_by_ip"),
            models.Index(fields=["closed_at"], condition=Q(closed_at__isnull=False), name="report_by_closing"),
        ]
        triggers = [
            pgtrigger.FSM(
                name="status_moves",
                field="status",
                transitions=[(one, other) for one, others in MOVES.items() for other in others],
            ),
            *ON_REPORT,
            *MERGED_ONCE,
        ]

    def __str__(self) -> str:
        return self.title


class StatusChange(models.Model):
    """A step in a report's life; the first one is its arrival. Rows never change."""

    report = models.ForeignKey(Report, models.CASCADE, related_name="history")
    from_status = models.CharField(max_length=12, choices=Report.Status, default="", blank=True)
    to_status = models.CharField(max_length=12, choices=Report.Status)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    note = models.CharField(max_length=1000, default="")
    is_public = models.BooleanField(default=True)  # whether residents read the note
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["report", "id"]
        indexes = [
            models.Index(fields=["report", "id"], name="status_of_report"),
            BrinIndex(fields=["at"], name="status_by_time"),  # steps lie as they came, and writing one costs nothing
        ]
        triggers = [
            pgtrigger.Protect(
                name="append_only",
                operation=pgtrigger.UpdateOf("report_id", "from_status", "to_status", "note", "is_public", "at"),
            )
        ]

    def __str__(self) -> str:
        return f"{self.from_status or 'new'} → {self.to_status}"


class Photo(models.Model):
    """A picture of the problem, decoded and written anew, so that it carries nothing but what one sees."""

    id = models.UUIDField(primary_key=True, db_default=Func(function="gen_random_uuid"), editable=False)
    report = models.ForeignKey(Report, models.CASCADE, related_name="photos")
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    file = models.FileField(upload_to="reports", max_length=200)  # named by the server
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    size_bytes = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["report", "created_at"]
        constraints = [models.UniqueConstraint(fields=["report", "sha256"], name="photo_once_per_report")]

    def __str__(self) -> str:
        return str(self.id)


class Comment(models.Model):
    """What a resident or the administration says about a report."""

    report = models.ForeignKey(Report, models.CASCADE, related_name="comments")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    text = models.CharField(max_length=2000)
    by_staff = models.BooleanField(default=False)
    hidden_at = models.DateTimeField(null=True)  # by staff; kept
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["report", "id"]
        indexes = [
            models.Index(fields=["report", "id"], name="comment_of_report"),
            models.Index(fields=["author", "-created_at"], name="comment_by_author"),
        ]

    def __str__(self) -> str:
        return self.text[:60]


class Confirmation(models.Model):
    """Somebody else has the same problem. Once for each person, and never of one's own report."""

    report = models.ForeignKey(Report, models.CASCADE, related_name="confirmations")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["report", "user"], name="confirmed_once")]
        indexes = [models.Index(fields=["user", "-at"], name="confirmation_by_user")]

    def __str__(self) -> str:
        return f"{self.user_id} confirms {self.report_id}"


class Waiting(models.Model):
    """A report that is not yet classified and compared; its row goes in the transaction that did it."""

    report = models.OneToOneField(Report, models.CASCADE, primary_key=True, related_name="waiting")
    due_at = models.DateTimeField(db_default=Now())
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=300, default="")
    # Actor, agent and correlation id of who filed it, for the trail; empty when that is told already.
    filed = models.JSONField(db_default={})

    class Meta:
        verbose_name_plural = "waiting"
        indexes = [models.Index(fields=["due_at"], name="waiting_due")]

    def __str__(self) -> str:
        return f"report {self.report_id}"
