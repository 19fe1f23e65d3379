"""Backfills over HTTP."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from base.serializers import StrictSerializer
from features.backfill.control import tasks_of
from features.backfill.models import Backfill, Scope, State


class NewBackfillSerializer(StrictSerializer):
    entity_type = serializers.CharField(max_length=60, default="", allow_blank=True, help_text="empty for every one")
    scope = serializers.ChoiceField(choices=Scope.choices, default=Scope.WAITING)
    as_of = serializers.DateTimeField(required=False, help_text="with the scope as_of: the past time")
    feature_sets = serializers.ListField(
        child=serializers.CharField(max_length=130),
        default=list,
        max_length=100,
        help_text="such as plot_care@v1; empty for all of the entity type",
    )
    batch_size = serializers.IntegerField(min_value=1, max_value=5_000, default=500)
    max_batches = serializers.IntegerField(min_value=1, max_value=1_000_000, default=1_000_000)
    rate = serializers.IntegerField(
        min_value=1, max_value=1_000_000, required=False, help_text="entities a second at most, of all workers together"
    )
    workers = serializers.IntegerField(min_value=1, max_value=32, default=1)
    reason = serializers.CharField(max_length=300, default="", allow_blank=True)


class EstimateSerializer(serializers.Serializer):
    entity_type = serializers.CharField()
    feature_sets = serializers.ListField(child=serializers.CharField())
    entities = serializers.IntegerField()
    counted = serializers.ChoiceField(choices=["exact", "at_least", "at_most", "planner"])
    source_events = serializers.IntegerField()
    transactions = serializers.IntegerField()
    seconds = serializers.FloatField(allow_null=True)
    database_s = serializers.FloatField(allow_null=True, help_text="time PostgreSQL works or is waited for")
    database_share = serializers.FloatField(allow_null=True, help_text="of one processor, while it runs")
    measured = serializers.ChoiceField(choices=["chunks", "sample", "nothing"])


class DryRunSerializer(serializers.Serializer):
    estimate = EstimateSerializer(many=True)


class BackfillSerializer(serializers.Serializer):
    backfill_id = serializers.UUIDField(source="id")
    entity_type = serializers.CharField()
    scope = serializers.ChoiceField(choices=Scope.choices)
    as_of = serializers.DateTimeField(allow_null=True)
    feature_sets = serializers.ListField(child=serializers.CharField())
    batch_size = serializers.IntegerField()
    max_batches = serializers.IntegerField()
    rate = serializers.IntegerField(allow_null=True)
    workers = serializers.IntegerField()
    state = serializers.ChoiceField(choices=State.choices)
    progress_percentage = serializers.IntegerField(source="percent", min_value=0, max_value=100)
    entities_expected = serializers.IntegerField(source="expected")
    entities_done = serializers.IntegerField(source="done")
    entities_failed = serializers.IntegerField(source="failed")
    batches = serializers.IntegerField()
    entities_per_second = serializers.SerializerMethodField()
    seconds_left = serializers.SerializerMethodField()
    estimate = EstimateSerializer(many=True, allow_null=True)
    reason = serializers.CharField()
    note = serializers.CharField(help_text="why it is in its state")
    asked_by = serializers.IntegerField(source="asked_by_id", allow_null=True)
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)

    def get_entities_per_second(self, row: Backfill) -> float:
        return round(row.per_second, 1)

    @extend_schema_field(serializers.FloatField(allow_null=True))
    def get_seconds_left(self, row: Backfill) -> float | None:
        return row.left.total_seconds() if row.left is not None else None


class BackfillDetailSerializer(BackfillSerializer):
    task_ids = serializers.SerializerMethodField()
    chunks = serializers.SerializerMethodField()

    @extend_schema_field(serializers.ListField(child=serializers.UUIDField()))
    def get_task_ids(self, row: Backfill) -> list[str]:
        """The newest hundred, newest first."""
        return [str(task.pk) for task in tasks_of(row)[:100]]

    @extend_schema_field(serializers.DictField(child=serializers.IntegerField()))
    def get_chunks(self, row: Backfill) -> dict[str, int]:
        """How many chunks are in each state."""
        return row.chunk_states()


class StartedBackfillSerializer(serializers.Serializer):
    task_id = serializers.UUIDField(allow_null=True)
    backfill_id = serializers.UUIDField(required=False, help_text="unless one domain's extraction alone was asked for")
    message = serializers.CharField()
    status = serializers.CharField()
    tasks = serializers.DictField(
        child=serializers.UUIDField(allow_null=True), required=False, help_text="by extraction, where there are several"
    )
