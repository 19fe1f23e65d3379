"""Requests and answers of the feature store, with the keys of their source documents."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from base.serializers import StrictSerializer


class FaultSerializer(serializers.Serializer):
    pointer = serializers.CharField(help_text="JSON pointer into the request")
    detail = serializers.CharField()


class VerdictSerializer(serializers.Serializer):
    index = serializers.IntegerField(help_text="place in the request, from 0")
    id = serializers.CharField(allow_null=True, help_text="of the event, where it has one")
    verdict = serializers.ChoiceField(choices=["added", "known", "rejected"])
    errors = FaultSerializer(many=True, required=False)  # type: ignore[assignment]


class IngestedSerializer(serializers.Serializer):
    accepted = serializers.IntegerField(help_text="events that are stored now, new or known before")
    added = serializers.IntegerField(help_text="events not known before")
    rejected = serializers.IntegerField(help_text="events of the array that were refused")
    task_ids = serializers.ListField(child=serializers.UUIDField())
    verdicts = VerdictSerializer(many=True, help_text="known and rejected events; with ?verdicts=all every one")


class CloudEventSerializer(serializers.Serializer):
    """For the schema; features.cloudevents does the parsing."""

    specversion = serializers.ChoiceField(choices=["1.0"])
    id = serializers.CharField(max_length=200)
    source = serializers.CharField(max_length=200)  # type: ignore[assignment]
    type = serializers.CharField(max_length=120)
    subject = serializers.CharField(max_length=100, help_text="the entity's id")
    time = serializers.DateTimeField(required=False)
    datacontenttype = serializers.CharField(required=False)
    data = serializers.DictField(required=False)  # type: ignore[assignment]


class FeatureSerializer(serializers.Serializer):
    feature_type = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    entity_type = serializers.CharField()
    data_type = serializers.CharField()
    created_at = serializers.DateTimeField()
    feature_set = serializers.CharField()
    version = serializers.CharField()
    unit = serializers.CharField()
    window_s = serializers.IntegerField(allow_null=True)
    owner = serializers.CharField()
    tags = serializers.ListField(child=serializers.CharField())
    checksum = serializers.CharField(help_text="of the feature set's definition")


class InferenceRequestSerializer(StrictSerializer):
    """One feature of one entity, or a whole set for many entities."""

    feature_type = serializers.CharField(max_length=200, required=False)
    entity_id = serializers.CharField(max_length=100, required=False)
    feature_set = serializers.CharField(max_length=100, required=False)
    feature_version = serializers.CharField(max_length=20, required=False)
    entity_ids = serializers.ListField(
        child=serializers.CharField(max_length=100), required=False, min_length=1, max_length=1000
    )
    max_age_s = serializers.IntegerField(
        min_value=0,
        max_value=10**9,
        required=False,
        help_text="older values are computed anew from raw events; 0 always does",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        single, many = {"feature_type", "entity_id"}, {"feature_set", "entity_ids"}
        given = set(attrs) - {"max_age_s", "feature_version"}
        if given != single and given != many:
            raise serializers.ValidationError("Send feature_type and entity_id, or feature_set and entity_ids.")
        if given == single and "feature_version" in attrs:
            raise serializers.ValidationError("Write the version into feature_type: set@version:feature.")
        return attrs


class InferenceSerializer(serializers.Serializer):
    feature_type = serializers.CharField()
    entity_id = serializers.CharField()
    feature_value = serializers.JSONField(allow_null=True)
    computed_at = serializers.DateTimeField(allow_null=True)
    success = serializers.BooleanField()
    error = serializers.CharField(required=False)
    as_of = serializers.DateTimeField(allow_null=True)


class EntityFeaturesSerializer(serializers.Serializer):
    entity_id = serializers.CharField()
    features = serializers.DictField(allow_null=True)
    as_of = serializers.DateTimeField(allow_null=True)
    computed_at = serializers.DateTimeField(allow_null=True)
    source_rows = serializers.IntegerField(allow_null=True)
    success = serializers.BooleanField()


class SetInferenceSerializer(serializers.Serializer):
    feature_set = serializers.CharField()
    feature_version = serializers.CharField()
    results = EntityFeaturesSerializer(many=True)


class BatchRequestSerializer(StrictSerializer):
    batch_size = serializers.IntegerField(min_value=1, max_value=5_000, default=50)
    max_batches = serializers.IntegerField(min_value=1, max_value=1_000, default=5)


class BackfillRequestSerializer(StrictSerializer):
    batch_size = serializers.IntegerField(min_value=1, max_value=5_000, default=50)
    max_batches = serializers.IntegerField(min_value=1, max_value=1_000, default=1_000)


class StartedSerializer(serializers.Serializer):
    task_id = serializers.UUIDField()
    message = serializers.CharField()
    status = serializers.CharField()


class CoverageSerializer(serializers.Serializer):
    feature_set = serializers.CharField()
    version = serializers.CharField()
    entity_type = serializers.CharField()
    total = serializers.IntegerField()
    with_features = serializers.IntegerField()
    without_features = serializers.IntegerField()
    stale = serializers.IntegerField()
    failed = serializers.IntegerField()
    coverage_percent = serializers.FloatField()


class CoverageDaySerializer(serializers.Serializer):
    date = serializers.DateField()
    feature_set = serializers.CharField()
    version = serializers.CharField()
    total = serializers.IntegerField()
    with_features = serializers.IntegerField()
    without_features = serializers.IntegerField()
    stale = serializers.IntegerField()
    failed = serializers.IntegerField()


class StatsSerializer(serializers.Serializer):
    total_entities = serializers.IntegerField()
    entities_with_features = serializers.IntegerField()
    entities_without_features = serializers.IntegerField()
    total_events = serializers.IntegerField()
    unprocessed_events = serializers.IntegerField()
    coverage_percent = serializers.FloatField()
    feature_sets = CoverageSerializer(many=True)
    days = CoverageDaySerializer(many=True, required=False, help_text="by day (UTC) and set; with ?days")
