"""Requests and answers about quality, versions and erasure."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from base.serializers import StrictSerializer
from features.quality.models import LEVELS, QualityAlert


class QualitySerializer(serializers.Serializer):
    """One feature at one time. Without a reference `psi` and `ks` are null; nulls are in neither."""

    feature_set = serializers.CharField()
    version = serializers.CharField()
    feature = serializers.CharField()
    taken_at = serializers.DateTimeField()
    n = serializers.IntegerField(help_text="entities looked at")
    entities = serializers.IntegerField(help_text="entities with values; more than n when they were sampled")
    sampled = serializers.BooleanField()
    nulls = serializers.IntegerField()
    null_share = serializers.FloatField()
    range_violations = serializers.IntegerField(help_text="outside the expected range, or no finite number")
    stale = serializers.IntegerField(help_text="of n: events wait for longer than the set's freshness")
    minimum = serializers.FloatField(allow_null=True)
    maximum = serializers.FloatField(allow_null=True)
    mean = serializers.FloatField(allow_null=True)
    stddev = serializers.FloatField(allow_null=True)
    distinct = serializers.IntegerField()
    deciles = serializers.ListField(child=serializers.FloatField())
    edges = serializers.ListField(child=serializers.FloatField(), help_text="where bins begin; the outer ones are open")
    counts = serializers.ListField(child=serializers.IntegerField(), help_text="values in each bin")
    words = serializers.DictField(child=serializers.IntegerField(), help_text="commonest texts or booleans")
    psi = serializers.FloatField(allow_null=True)
    ks = serializers.FloatField(allow_null=True)
    reference_n = serializers.IntegerField()
    level = serializers.ChoiceField(choices=LEVELS)
    task_id = serializers.UUIDField(allow_null=True)


class AlertSerializer(serializers.Serializer):
    """`feature` is empty for what concerns the whole set; `value` is the newest, at `seen_at`."""

    id = serializers.IntegerField()
    feature_set = serializers.CharField()
    version = serializers.CharField()
    feature = serializers.CharField()
    kind = serializers.ChoiceField(choices=QualityAlert.Kind.choices)
    value = serializers.FloatField()
    threshold = serializers.FloatField()
    n = serializers.IntegerField()
    opened_at = serializers.DateTimeField()
    seen_at = serializers.DateTimeField()
    closed_at = serializers.DateTimeField(allow_null=True)
    acknowledged_at = serializers.DateTimeField(allow_null=True)
    acknowledged_by = serializers.CharField()
    reason = serializers.CharField()
    task_id = serializers.UUIDField(allow_null=True)


class SnapshotRequestSerializer(StrictSerializer):
    feature_set = serializers.CharField(
        max_length=121, required=False, default="", allow_blank=True, help_text="name@version, else all"
    )
    reason = serializers.CharField(max_length=300, required=False, default="", allow_blank=True)


class PeriodSerializer(StrictSerializer):
    """Snapshots taken in it become the reference."""

    since = serializers.DateTimeField()
    until = serializers.DateTimeField()
    reason = serializers.CharField(max_length=300)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["since"] >= attrs["until"]:
            raise serializers.ValidationError({"until": ["Must be after since."]})
        return attrs


class TakenSerializer(serializers.Serializer):
    features = serializers.IntegerField(help_text="features that have this reference now")


class DiffRequestSerializer(StrictSerializer):
    old = serializers.CharField(max_length=121, help_text="name@version")
    new = serializers.CharField(max_length=121, help_text="name@version")
    sample = serializers.IntegerField(min_value=1, max_value=10_000, default=1_000)


class StateSerializer(serializers.Serializer):
    feature_set = serializers.CharField()
    version = serializers.CharField()
    live = serializers.BooleanField()


class ErasedSerializer(serializers.Serializer):
    name = serializers.CharField(help_text="what stands for the entity in the audit trail and in tasks from now on")
    rows = serializers.DictField(child=serializers.IntegerField(), help_text="rows that went, by table")
    task_id = serializers.UUIDField(allow_null=True, help_text="the task that rewrites exported files")


class ProofSerializer(serializers.Serializer):
    erased = serializers.BooleanField(help_text="no table names the entity")
    rows = serializers.DictField(child=serializers.IntegerField(), help_text="rows that still name it, by table")
