"""Requests and answers of the feature store, with the keys of their source documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from base.serializers import StrictSerializer
from features.language.extractions import FEATURES, extractions

MAX_ENTITIES, MAX_FEATURES = 1_000, 500


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
    """For the schema; features.intake.cloudevents does the parsing."""

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
    kind = serializers.CharField(help_text="the aggregate, `derived` or `function`")
    unit = serializers.CharField()
    window_s = serializers.IntegerField(allow_null=True)
    expected_range = serializers.ListField(
        child=serializers.FloatField(allow_null=True),
        allow_null=True,
        help_text="[low, high], both inclusive",
    )
    derived_from = serializers.ListField(child=serializers.CharField(), help_text="features of the same set")
    owner = serializers.CharField()
    tags = serializers.ListField(child=serializers.CharField())
    freshness_s = serializers.IntegerField(help_text="how old a value should be at most")
    ttl_s = serializers.IntegerField(allow_null=True, help_text="older values are not served as present")
    checksum = serializers.CharField(help_text="of the feature set's definition")
    used_by = serializers.ListField(child=serializers.CharField(), help_text="who has said that it reads the set")


class FeatureDetailSerializer(FeatureSerializer):
    feature_set_description = serializers.CharField()
    source = serializers.JSONField(help_text="event types, or the model and its columns; [] for all events")  # type: ignore[assignment]
    definition = serializers.DictField(help_text="all that can change the value")


class InferenceRequestSerializer(StrictSerializer):
    """One feature of one entity; a set, or features of several sets, for many entities."""

    feature_type = serializers.CharField(max_length=200, required=False)
    entity_id = serializers.CharField(max_length=100, required=False)
    feature_set = serializers.CharField(max_length=100, required=False)
    feature_version = serializers.CharField(max_length=20, required=False)
    features = serializers.ListField(
        child=serializers.CharField(max_length=200),
        required=False,
        min_length=1,
        max_length=MAX_FEATURES,
        help_text="`set:feature`, `set@v2:feature`, `set@v2`, `set`",
    )
    entity_ids = serializers.ListField(
        child=serializers.CharField(max_length=100),
        required=False,
        min_length=1,
        max_length=MAX_ENTITIES,
        error_messages={"max_length": "At most {max_length:,} entity_ids in one request."},
    )
    max_age_s = serializers.IntegerField(
        min_value=0,
        max_value=10**9,
        required=False,
        help_text="how old stored values may be; 0: computed now from the source",
    )
    if_older = serializers.ChoiceField(
        choices=["recompute", "refuse"],
        required=False,
        help_text="what becomes of values older than max_age_s or the set's ttl; by default they are recomputed "
        "with a max_age_s and refused without",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if sentence := misfit(attrs):
            raise serializers.ValidationError(sentence)
        return attrs


SHAPES = {"feature_type", "entity_id"}, {"feature_set", "entity_ids"}, {"features", "entity_ids"}


def misfit(question: Mapping[str, Any]) -> str:
    """Why its keys do not belong together; empty when they do."""
    given = set(question) - {"max_age_s", "if_older", "feature_version"}
    if given not in SHAPES:
        return "Send feature_type and entity_id, or feature_set and entity_ids, or features and entity_ids."
    if "feature_set" not in given and "feature_version" in question:
        return "Write the version into the feature's name: set@version:feature."
    return ""


STATUSES = ["PRESENT", "NULL_VALUE", "NOT_FOUND", "OUTSIDE_MAX_AGE"]


class InferenceSerializer(serializers.Serializer):
    feature_type = serializers.CharField()
    entity_id = serializers.CharField()
    feature_value = serializers.JSONField()
    computed_at = serializers.DateTimeField(allow_null=True)
    success = serializers.BooleanField(help_text="status is PRESENT or NULL_VALUE")
    status = serializers.ChoiceField(choices=STATUSES)
    as_of = serializers.DateTimeField(allow_null=True, help_text="the time the value speaks of")
    age_s = serializers.FloatField(allow_null=True, help_text="seconds since as_of")
    error = serializers.CharField(required=False)


class ValuesSerializer(serializers.Serializer):
    features = serializers.DictField(allow_null=True)
    as_of = serializers.DateTimeField(allow_null=True)
    computed_at = serializers.DateTimeField(allow_null=True)
    source_rows = serializers.IntegerField(allow_null=True)
    success = serializers.BooleanField()
    status = serializers.ChoiceField(choices=[status for status in STATUSES if status != "NULL_VALUE"])
    statuses = serializers.DictField(child=serializers.ChoiceField(choices=STATUSES), help_text="by feature")
    age_s = serializers.FloatField(allow_null=True)
    error = serializers.CharField(required=False)


class EntityFeaturesSerializer(ValuesSerializer):
    entity_id = serializers.CharField()


class SetInferenceSerializer(serializers.Serializer):
    feature_set = serializers.CharField()
    feature_version = serializers.CharField()
    results = EntityFeaturesSerializer(many=True)


class SetValuesSerializer(ValuesSerializer):
    feature_set = serializers.CharField()
    feature_version = serializers.CharField()


class EntitySetsSerializer(serializers.Serializer):
    entity_id = serializers.CharField()
    success = serializers.BooleanField(help_text="all sets have values")
    sets = SetValuesSerializer(many=True)


class SetsInferenceSerializer(serializers.Serializer):
    results = EntitySetsSerializer(many=True)


def check_extraction(of: str) -> None:
    """The name of an extraction, or "" for all of them. Raises ValidationError."""
    if of and of not in (known := [FEATURES, *extractions()]):
        raise serializers.ValidationError(f"May be {' or '.join(known)}.")


class BatchRequestSerializer(StrictSerializer):
    of = serializers.CharField(
        default="",
        allow_blank=True,
        validators=[check_extraction],
        help_text="one extraction, `features` or a domain's; else all",
    )
    batch_size = serializers.IntegerField(min_value=1, max_value=5_000, default=50)
    max_batches = serializers.IntegerField(min_value=1, max_value=1_000, default=5)


class BackfillRequestSerializer(BatchRequestSerializer):
    max_batches = serializers.IntegerField(min_value=1, max_value=1_000, default=1_000)


class StartedSerializer(serializers.Serializer):
    task_id = serializers.UUIDField()
    message = serializers.CharField()
    status = serializers.CharField()
    tasks = serializers.DictField(
        child=serializers.UUIDField(), required=False, help_text="by extraction, where several were started"
    )


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
    extractions = serializers.DictField(
        child=serializers.DictField(), required=False, help_text="by domain: its counts under its own keys"
    )
    days = CoverageDaySerializer(many=True, required=False, help_text="by day (UTC) and set; with ?days")
