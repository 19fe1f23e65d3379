"""Questions and answers about feature sets and the origin of values."""

from __future__ import annotations

from rest_framework import serializers

from base.serializers import StrictSerializer
from features.serializers import CoverageSerializer


class UseSerializer(serializers.Serializer):
    name = serializers.CharField()
    kind = serializers.CharField()
    description = serializers.CharField()


class FreshnessSerializer(serializers.Serializer):
    freshness_s = serializers.IntegerField(help_text="how old a value should be at most")
    old = serializers.FloatField(allow_null=True, help_text="share of stored values that are older, 0–1")
    oldest_as_of = serializers.DateTimeField(allow_null=True)
    last_computed_at = serializers.DateTimeField(allow_null=True)
    exact = serializers.BooleanField(help_text="false: estimated from some of very many values")


class FeatureSetSerializer(serializers.Serializer):
    feature_set = serializers.CharField()
    version = serializers.CharField()
    versions = serializers.ListField(child=serializers.CharField(), help_text="all there are of this name")
    entity_type = serializers.CharField()
    description = serializers.CharField()
    owner = serializers.CharField()
    tags = serializers.ListField(child=serializers.CharField())
    features = serializers.ListField(child=serializers.CharField())
    checksum = serializers.CharField(help_text="SHA-256 of the canonical definition")
    ttl_s = serializers.IntegerField(allow_null=True)
    created_at = serializers.DateTimeField()
    coverage = CoverageSerializer()
    freshness = FreshnessSerializer()
    used_by = UseSerializer(many=True)


class ColumnSerializer(serializers.Serializer):
    table = serializers.CharField()
    name = serializers.CharField()
    use = serializers.ChoiceField(choices=["value", "filter", "entity"])


class FeatureSetDetailSerializer(FeatureSetSerializer):
    definition = serializers.DictField()
    columns = serializers.DictField(child=ColumnSerializer(many=True), help_text="by feature")


class LineageQuerySerializer(StrictSerializer):
    feature = serializers.CharField(max_length=200)
    entity_id = serializers.CharField(max_length=100)
    as_of = serializers.DateTimeField(required=False)
    known_at = serializers.DateTimeField(required=False)
    offset = serializers.IntegerField(min_value=0, max_value=10**9, required=False)


class SourceRowSerializer(serializers.Serializer):
    id = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]
    source_id = serializers.CharField()
    event_type = serializers.CharField()
    event_time = serializers.DateTimeField()
    recorded_at = serializers.DateTimeField(allow_null=True)
    value = serializers.DecimalField(max_digits=40, decimal_places=18, allow_null=True)
    payload = serializers.DictField()


class SeenSerializer(serializers.Serializer):
    count = serializers.IntegerField()
    first_id = serializers.CharField(allow_null=True)
    last_id = serializers.CharField(allow_null=True)
    first_event_time = serializers.DateTimeField(allow_null=True)
    last_event_time = serializers.DateTimeField(allow_null=True)
    sha256 = serializers.CharField()
    exact = serializers.BooleanField(help_text="there are as many as the computation counted")
    rows = SourceRowSerializer(many=True)
    next_offset = serializers.IntegerField(allow_null=True, help_text="`offset` of the next hundred rows")


class LateSerializer(serializers.Serializer):
    count = serializers.IntegerField()
    rows = SourceRowSerializer(many=True)


class StoredValueSerializer(serializers.Serializer):
    entity_id = serializers.CharField()
    as_of = serializers.DateTimeField()
    computed_at = serializers.DateTimeField()
    source_rows = serializers.IntegerField()
    vals = serializers.DictField()
    task_id = serializers.UUIDField(allow_null=True)


class FeatureDefinitionSerializer(serializers.Serializer):
    checksum = serializers.CharField()
    feature = serializers.DictField()
    columns = ColumnSerializer(many=True)


class MakerAttemptSerializer(serializers.Serializer):
    number = serializers.IntegerField()
    worker = serializers.CharField()
    started_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField()
    outcome = serializers.CharField()
    error_type = serializers.CharField()


class MakerSerializer(serializers.Serializer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    status = serializers.CharField()
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    completed_at = serializers.DateTimeField(allow_null=True)
    attempts = MakerAttemptSerializer(many=True)


class LineageSerializer(serializers.Serializer):
    feature_set = serializers.CharField()
    feature_version = serializers.CharField()
    feature_type = serializers.CharField()
    entity_type = serializers.CharField()
    entity_id = serializers.CharField()
    feature_value = serializers.JSONField()
    value = StoredValueSerializer()
    definition = FeatureDefinitionSerializer()
    source_rows = SeenSerializer()
    late_rows = LateSerializer(help_text="rows up to the as-of time that were recorded after the computation")
    reproduces = serializers.BooleanField(allow_null=True, help_text="the rows seen give the stored values again")
    differs = serializers.DictField(help_text="by feature, what is stored and what is recomputed")
    error = serializers.CharField(help_text="why nothing can be recomputed")
    corrected = StoredValueSerializer(allow_null=True, help_text="the right values of the same as-of time, if others")
    task = MakerSerializer(allow_null=True)
