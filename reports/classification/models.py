"""What the model said of reports, and what people said instead."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class Classification(models.Model):
    """One run of the classifier on a report. Rows never change; a corrected report gets another.

    runners_up: [category, probability]. words: [word, what it adds to the log-odds]. chosen: it set the category.
    urgency: 0–1, from votes of residents elsewhere; it never overrules the severity that a person stated.
    """

    report = models.ForeignKey("reports.Report", models.CASCADE, related_name="classifications")
    category = models.ForeignKey("reports.Category", models.PROTECT, related_name="+", db_index=False)
    probability = models.FloatField()
    runners_up = models.JSONField(default=list)
    words = models.JSONField(default=list)
    urgency = models.FloatField()
    severity = models.CharField(max_length=8)
    chosen = models.BooleanField()
    model_version = models.CharField(max_length=60)
    model_sha256 = models.CharField(max_length=64)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        app_label = "reports"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(probability__gte=0, probability__lte=1, urgency__gte=0, urgency__lte=1),
                name="classification_shares",
            ),
        ]
        indexes = [
            models.Index(fields=["report", "-id"], name="classification_of_report"),
            models.Index(fields=["model_version", "-id"], name="classification_by_model"),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update)]

    def __str__(self) -> str:
        return f"{self.category_id} ({self.probability:.2f})"


class Correction(models.Model):
    """What a reviewer says a report is about. The last one of a report is a row to learn from; rows never change.

    suggested: what the model had said, if anything; the same as `category` where the reviewer agreed.
    """

    report = models.ForeignKey("reports.Report", models.CASCADE, related_name="corrections")
    category = models.ForeignKey("reports.Category", models.PROTECT, related_name="+", db_index=False)
    suggested = models.ForeignKey("reports.Category", models.PROTECT, null=True, related_name="+", db_index=False)
    model_version = models.CharField(max_length=60, default="")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", db_index=False)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        app_label = "reports"
        ordering = ["-id"]
        indexes = [models.Index(fields=["report", "-id"], name="correction_of_report")]
        triggers = [
            pgtrigger.Protect(
                name="append_only",
                operation=pgtrigger.UpdateOf("report_id", "category_id", "suggested_id", "model_version", "at"),
            )
        ]

    def __str__(self) -> str:
        return f"report {self.report_id}: {self.category_id}"

    @property
    def agrees(self) -> bool:
        return self.category_id == self.suggested_id
