"""Requests and answers of training, with the keys of their source document."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from base.serializers import StrictSerializer
from features.training.models import Format
from features.training.request import AT_EVENT_TIME

EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


class MomentField(serializers.DateTimeField):
    """A time with its zone, from 1900 to 2199."""

    def to_internal_value(self, value: Any) -> datetime:
        try:
            moment = parse_datetime(value) if isinstance(value, str) else None
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            raise serializers.ValidationError("A time with its zone, such as 2026-01-31T00:00:00Z.")
        try:
            moment = moment.astimezone(UTC)
        except OverflowError:
            moment = LATEST
        if not EARLIEST <= moment < LATEST:
            raise serializers.ValidationError("A time from 1900 to 2199.")
        return moment


class AskedFeatureSerializer(StrictSerializer):
    """One item of the document's shape."""

    feature_type = serializers.CharField(max_length=200)
    entity_id = serializers.CharField(max_length=100)
    timestamp = MomentField(required=False, help_text="as of when; now by default")


class EntityRowSerializer(StrictSerializer):
    entity_id = serializers.CharField(max_length=100)
    timestamp = MomentField(help_text="as of when")


@extend_schema_field(EntityRowSerializer(many=True))
class EntityRowsField(serializers.Field):
    """Rows as (entity id, time); read by hand, as there may be a hundred thousand."""

    def to_internal_value(self, data: Any) -> list[tuple[str, datetime]]:
        if not isinstance(data, list) or not data:
            raise serializers.ValidationError("An array of {entity_id, timestamp}.")
        moment, rows = MomentField(), []
        for place, row in enumerate(data):
            try:
                entity_id, written = _exactly(row)
                rows.append((entity_id, moment.to_internal_value(written)))
            except serializers.ValidationError as error:
                raise serializers.ValidationError({str(place): error.detail}) from None
        return rows

    def to_representation(self, value: Any) -> Any:
        return value


def _exactly(row: Any) -> tuple[str, Any]:
    if not isinstance(row, dict) or set(row) != {"entity_id", "timestamp"}:
        raise serializers.ValidationError("Has entity_id and timestamp, and nothing else.")
    entity_id = row["entity_id"]
    if not isinstance(entity_id, str) or not 1 <= len(entity_id) <= 100:
        raise serializers.ValidationError("entity_id is a text of 1 to 100 characters.")
    return entity_id, row["timestamp"]


class FeaturesTrainingSerializer(StrictSerializer):
    """The document's shape: single values, each with its own success."""

    features = AskedFeatureSerializer(many=True, allow_empty=False)


class NamedFeatures(StrictSerializer):
    features = serializers.ListField(
        child=serializers.CharField(max_length=200),
        min_length=1,
        max_length=500,
        help_text="feature, set:feature, set@version:feature, or whole sets: set, set@version",
    )

    def validate_features(self, names: list[str]) -> list[str]:
        from features.serving.stored import UnknownFeature
        from features.training.asked import wanted

        try:
            wanted(names)
        except UnknownFeature as error:
            raise serializers.ValidationError(str(error)) from None
        return names


class RowsTrainingSerializer(NamedFeatures):
    """Rows of entities and times, with every feature of each."""

    entity_rows = EntityRowsField()
    known_at = MomentField(required=False, help_text="leave out what was recorded later")


class LabelSerializer(StrictSerializer):
    """Every event of a type gives a row: its entity, its time, and what is to be predicted."""

    event_type = serializers.CharField(max_length=120)
    field = serializers.CharField(  # type: ignore[assignment]
        max_length=100, default="value", help_text="value, or a key of the event's data"
    )
    since = MomentField(required=False, help_text="of the event time, inclusive")
    until = MomentField(required=False, help_text="of the event time, inclusive")


@extend_schema_field(str)
class KnownAtField(serializers.Field):
    """A time, `now`, or `at_event_time`."""

    def to_internal_value(self, value: Any) -> Any:
        return value if value in ("now", AT_EVENT_TIME) else MomentField().to_internal_value(value)


class DatasetRequestSerializer(NamedFeatures):
    """A spine (rows, or a label's events) and the features to put beside it."""

    entity_rows = EntityRowsField(required=False)
    label = LabelSerializer(required=False)  # type: ignore[assignment]
    known_at = KnownAtField(
        default="now", help_text="leave out what was recorded later: a time, now, or at_event_time (each row's own)"
    )
    format = serializers.ChoiceField(choices=Format.choices, default=Format.PARQUET)


class DatasetSerializer(serializers.Serializer):
    id = serializers.UUIDField()
    state = serializers.CharField(help_text="pending, processing, completed, failed or cancelled")
    progress = serializers.IntegerField(help_text="0-100")
    message = serializers.CharField(help_text="how far it is, or why it failed")
    format = serializers.CharField()
    features = serializers.ListField(child=serializers.CharField())
    known_at = serializers.CharField()
    request_sha256 = serializers.CharField()
    rows = serializers.IntegerField(allow_null=True)
    columns = serializers.IntegerField(allow_null=True)
    bytes = serializers.IntegerField(allow_null=True)
    sha256 = serializers.CharField()
    task = serializers.CharField(help_text="address of its task")
    download = serializers.CharField(allow_null=True, help_text="address of its file")
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField()


class DatasetDetailSerializer(DatasetSerializer):
    manifest = serializers.DictField(allow_null=True)


class DatasetAskedSerializer(serializers.Serializer):
    id = serializers.UUIDField()
    dataset = serializers.CharField(help_text="its address")
    task_id = serializers.UUIDField()
    message = serializers.CharField()
    status = serializers.CharField()


class TrainingValueSerializer(serializers.Serializer):
    feature_type = serializers.CharField()
    entity_id = serializers.CharField()
    feature_value = serializers.JSONField()
    computed_at = serializers.DateTimeField(allow_null=True)
    success = serializers.BooleanField()
    error = serializers.CharField(required=False)
    as_of = serializers.DateTimeField()


class TrainingValuesSerializer(serializers.Serializer):
    results = TrainingValueSerializer(many=True)
    total_requested = serializers.IntegerField()
    total_successful = serializers.IntegerField()


class TrainingRowSerializer(serializers.Serializer):
    entity_id = serializers.CharField()
    timestamp = serializers.DateTimeField()
    features = serializers.DictField(allow_null=True)
    success = serializers.BooleanField()
    error = serializers.CharField(required=False)


class TrainingRowsSerializer(serializers.Serializer):
    features = serializers.ListField(child=serializers.CharField(), help_text="set@version:feature, as in the rows")
    known_at = serializers.DateTimeField(allow_null=True)
    rows = TrainingRowSerializer(many=True)
    total_requested = serializers.IntegerField()
    total_successful = serializers.IntegerField()


class ExtractedSerializer(serializers.Serializer):
    message = serializers.CharField()
    features_extracted = serializers.DictField(child=serializers.IntegerField())
    total_features = serializers.IntegerField()
    task_id = serializers.UUIDField(required=False, help_text="extracts what was left")
