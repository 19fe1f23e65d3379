"""An export of the audit trail that was asked for, and the file it became."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Func
from django.db.models.functions import Now


class Format(models.TextChoices):
    CSV = "csv", "CSV"
    NDJSON = "ndjson", "NDJSON"


class Export(models.Model):
    """Entries as a file. Its task says how far it is; it is there once `finished_at` is set.

    filters: as the API takes them. path: below AUDIT_EXPORTS_DIR.
    """

    id = models.UUIDField(primary_key=True, db_default=Func(function="uuidv7"), editable=False)
    format = models.CharField(max_length=10, choices=Format)
    filters = models.JSONField(default=dict)
    reason = models.CharField(max_length=300, default="")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, db_index=False, related_name="+"
    )
    task_id = models.UUIDField(null=True)
    rows = models.PositiveBigIntegerField(null=True)
    bytes = models.PositiveBigIntegerField(null=True)
    sha256 = models.CharField(max_length=64, default="")
    manifest = models.JSONField(null=True)
    path = models.CharField(max_length=200, default="")
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]  # ids are made in order of time
        indexes = [models.Index(fields=["expires_at"], name="archive_expiry")]
        permissions = [("ask_export", "Can take entries out of the audit trail")]

    def __str__(self) -> str:
        return f"export {self.pk}"
