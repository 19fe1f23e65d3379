"""What has been exported, and the files that hold it. A reader believes these rows and never a listing of files."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now


class Export(models.Model):
    """The events with ids from `first_id` to `last_id`, stored in files by one transaction.

    Each export follows the one before it by a unique reference, so together they are one chain: no id is exported
    twice and none is left out between two of them. Ids that no event has (rolled back, sent again) count as exported.
    """

    last_id = models.BigIntegerField(unique=True)
    # Only the last may go, or all of them: PostgreSQL sees to it when the transaction ends.
    follows = models.ForeignKey("self", models.DO_NOTHING, to_field="last_id", null=True, related_name="+")
    rows = models.PositiveIntegerField()
    # Every event recorded before this has an id up to last_id; null where the export ended short of what was known.
    recorded_before = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    task_id = models.UUIDField(null=True)

    class Meta:
        ordering = ["-last_id"]
        constraints = [
            models.UniqueConstraint(fields=["follows"], nulls_distinct=False, name="export_one_chain"),
            models.CheckConstraint(
                condition=Q(last_id__gt=0) & (Q(follows=None) | Q(last_id__gt=F("follows"))), name="export_forward"
            ),
        ]

    def __str__(self) -> str:
        return f"events {self.first_id}–{self.last_id}"

    @property
    def first_id(self) -> int:
        return (self.follows_id or 0) + 1


class ExportedFile(models.Model):
    """A Parquet file with events of one entity type and month (of event time, UTC). It never changes.

    first_id, last_id: of the exports it came from. replaced_at: when other files took its place; null = it counts.
    remove_at: when the sweep may take the file away, and this row with it.
    """

    path = models.CharField(max_length=400, unique=True)  # under EXPORT_URL
    entity_type = models.CharField(max_length=60)
    month = models.CharField(max_length=7)
    rows = models.PositiveIntegerField()
    bytes = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    first_id = models.BigIntegerField()
    last_id = models.BigIntegerField()
    min_event_time = models.DateTimeField()
    max_event_time = models.DateTimeField()
    min_recorded_at = models.DateTimeField()
    max_recorded_at = models.DateTimeField()
    created_at = models.DateTimeField(db_default=Now())
    task_id = models.UUIDField(null=True)
    replaced_at = models.DateTimeField(null=True)
    remove_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["entity_type", "month", "first_id", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(replaced_at=None, remove_at=None) | Q(replaced_at__isnull=False, remove_at__isnull=False),
                name="exported_file_replaced",
            )
        ]
        indexes = [
            models.Index(fields=["entity_type", "month"], condition=Q(replaced_at=None), name="exported_file_live")
        ]

    def __str__(self) -> str:
        return self.path
