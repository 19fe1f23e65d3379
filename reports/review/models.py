"""The work list of reviewers, and what they decided."""

import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Func, Q
from django.db.models.functions import Now

from base.worklist import WorkItem, state_constraints
from reports.review.triggers import DEPARTMENT_GIVEN, own_work_refused


class Why(models.TextChoices):
    """What made a person necessary."""

    LOW_CONFIDENCE = "low_confidence", "The model is not sure"
    LIKELY_DUPLICATE = "likely_duplicate", "Likely a duplicate"
    URGENT = "urgent", "Urgent"
    ABUSE = "abuse", "Looks like abuse"
    FLAGGED = "flagged", "Flagged"


class ReviewItem(WorkItem):
    """A report a person has to decide, by `due_at`. A report has one open item at most: further reasons join it.

    risk: 0–1, the greatest of its reasons. details: what each reason was found by, by its code.
    department: the report's as long as the item is not done; the database keeps it so.
    """

    report = models.ForeignKey("reports.Report", models.CASCADE, related_name="reviews")
    department = models.ForeignKey("reports.Department", models.PROTECT, null=True, related_name="+", db_index=False)
    why = ArrayField(models.CharField(max_length=20, choices=Why))
    details = models.JSONField(default=dict)
    risk = models.FloatField()
    opened_at = models.DateTimeField(db_default=Now())
    due_at = models.DateTimeField()
    # The queue's order: what is due on the earliest day first, and of a day the riskiest.
    due_day = models.GeneratedField(
        expression=Func("due_at", template="(%(expressions)s AT TIME ZONE 'UTC')::date"),
        output_field=models.DateField(),
        db_persist=True,
    )

    class Meta:
        ordering = ["due_day", "-risk", "id"]
        verbose_name, verbose_name_plural = "report in review", "reports in review"
        permissions = [("decide_reviewitem", "Can claim, release and decide reports in review")]
        constraints = [
            *state_constraints("report_review", done_by_nobody=True),
            models.UniqueConstraint(fields=["report"], condition=~Q(status="done"), name="report_review_once"),
            models.CheckConstraint(
                condition=Q(why__contained_by=Why.values) & Q(why__len__gt=0), name="report_review_why_known"
            ),
            models.CheckConstraint(condition=Q(risk__gte=0, risk__lte=1), name="report_review_risk"),
        ]
        indexes = [
            models.Index(fields=["due_day", "-risk", "id"], condition=~Q(status="done"), name="report_review_queue"),
            models.Index(
                fields=["department", "due_day", "-risk", "id"],
                condition=~Q(status="done"),
                name="report_review_theirs",
            ),
            models.Index(fields=["due_at"], condition=~Q(status="done"), name="report_review_due"),
            models.Index(fields=["-decided_at"], condition=Q(status="done"), name="report_review_decided"),
        ]
        triggers = [
            DEPARTMENT_GIVEN,
            own_work_refused("claimed_by_id", pgtrigger.Insert | pgtrigger.UpdateOf("claimed_by_id")),
            pgtrigger.Protect(
                name="done_stays",
                operation=pgtrigger.Update | pgtrigger.Delete,
                condition=pgtrigger.Q(old__status="done"),
            ),
        ]

    def __str__(self) -> str:
        return f"review of report {self.report_id}"


class ReviewDecision(models.Model):
    """What became of an item: one row for each, and rows never change.

    suggested, suggested_probability, model_version: what the machine said at that moment; nothing if it said nothing.
    category: the report's from now on. into: the report it was merged into. by: nobody where the work had become
    needless, since the report was closed elsewhere. public_text: what the resident reads; note: for staff alone.
    """

    class Kind(models.TextChoices):
        ACCEPTED = "accepted"  # the suggested category stands
        CORRECTED = "corrected"  # it is about something else
        REJECTED = "rejected"
        MERGED = "merged"
        NEEDLESS = "needless"  # closed elsewhere meanwhile

    item = models.OneToOneField(ReviewItem, models.PROTECT, related_name="decision")
    report = models.ForeignKey("reports.Report", models.PROTECT, related_name="review_decisions")
    kind = models.CharField(max_length=10, choices=Kind)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False)
    suggested = models.ForeignKey("reports.Category", models.PROTECT, null=True, related_name="+", db_index=False)
    suggested_probability = models.FloatField(null=True)
    model_version = models.CharField(max_length=60, default="")
    category = models.ForeignKey("reports.Category", models.PROTECT, null=True, related_name="+", db_index=False)
    into = models.ForeignKey("reports.Report", models.PROTECT, null=True, related_name="+")
    reason = models.CharField(max_length=20, default="")  # of a rejection: a code of reports.review.reasons
    public_text = models.CharField(max_length=1000, default="")
    note = models.CharField(max_length=1000, default="")
    waited_s = models.FloatField()  # from the opening of the item
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["accepted", "corrected"], by__isnull=False, category__isnull=False)
                | Q(kind__in=["rejected", "merged"], by__isnull=False)
                | Q(kind="needless", by=None),
                name="report_decision_of_a_kind",
            ),
            models.CheckConstraint(
                condition=Q(kind="merged", into__isnull=False) | ~Q(kind="merged") & Q(into=None),
                name="report_decision_merged_into",
            ),
            models.CheckConstraint(
                condition=Q(kind="rejected") & ~Q(reason="") | ~Q(kind="rejected") & Q(reason=""),
                name="report_decision_reason",
            ),
        ]
        indexes = [
            models.Index(fields=["-at"], name="report_decision_newest"),
            models.Index(fields=["by", "-at"], name="report_decision_by"),
        ]
        triggers = [
            own_work_refused("by_id", pgtrigger.Insert),
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: report {self.report_id}"
