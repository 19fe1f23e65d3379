"""A training set that was asked for, and the file it became."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Func
from django.db.models.functions import Now


class Format(models.TextChoices):
    PARQUET = "parquet"
    ARROW = "arrow"
    CSV = "csv"


class Dataset(models.Model):
    """Features of a spine as a file. Its task says how far it is; it is there once `finished_at` is set.

    request: everything the bytes depend on besides the events, with versions and times filled in; request_sha256: of
    its canonical JSON. path: below DATASETS_DIR.
    """

    id = models.UUIDField(primary_key=True, db_default=Func(function="uuidv7"), editable=False)
    request = models.JSONField()
    request_sha256 = models.CharField(max_length=64)
    format = models.CharField(max_length=10, choices=Format)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, db_index=False, related_name="+"
    )
    task_id = models.UUIDField(null=True)
    rows = models.PositiveBigIntegerField(null=True)
    columns = models.PositiveIntegerField(null=True)
    bytes = models.PositiveBigIntegerField(null=True)
    sha256 = models.CharField(max_length=64, default="")
    manifest = models.JSONField(null=True)
    path = models.CharField(max_length=200, default="")
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()

    class Meta:
        db_table = "features_dataset"
        ordering = ["-id"]  # ids are made in order of time
        indexes = [models.Index(fields=["expires_at"], name="dataset_expiry")]

    def __str__(self) -> str:
        return f"dataset {self.pk}"
