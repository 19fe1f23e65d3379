"""Sessions and measurements as clients send and read them. Hz, seconds, UTC; null is what nobody said."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from base.serializers import PlainSerializer, StrictSerializer
from recordings.models import Measurement, RecordingSession


def printable(text: str) -> None:
    if not text.isprintable():
        raise serializers.ValidationError("May not hold control characters.")


class RecordingSessionCreateSerializer(StrictSerializer):
    name = serializers.CharField(max_length=200, validators=[printable])
    description = serializers.CharField(max_length=5_000, required=False, allow_blank=True)


class RecordingSessionEndSerializer(StrictSerializer):
    failed = serializers.BooleanField(default=False, help_text="The receiver gave up: nothing is extracted.")


class UploadFieldsSerializer(StrictSerializer):
    """What a form holds beside its files."""

    name = serializers.CharField(max_length=200, validators=[printable])


class RecordingSessionFilter(StrictSerializer):
    """`from` and `to` are about when a session was created."""

    status = serializers.ChoiceField(choices=RecordingSession.Status.choices, required=False)
    source = serializers.ChoiceField(choices=RecordingSession.Source.choices, required=False)  # type: ignore[assignment]

    def get_fields(self) -> dict[str, Any]:
        moments = {name: serializers.DateTimeField(required=False) for name in ("from", "to")}
        return super().get_fields() | moments


class RecordingSessionSerializer(PlainSerializer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    status = serializers.ChoiceField(choices=RecordingSession.Status.choices)
    source = serializers.ChoiceField(choices=RecordingSession.Source.choices)  # type: ignore[assignment]
    session_start = serializers.DateTimeField()
    session_end = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    total_measurements = serializers.IntegerField()
    measurements_with_features = serializers.IntegerField()


class RecordingSessionEndedSerializer(RecordingSessionSerializer):
    task_id = serializers.UUIDField(allow_null=True, help_text="of the extraction")


class FeaturesSerializer(serializers.Serializer):
    """What was measured; either numbers or an error."""

    numbers = serializers.DictField(allow_null=True, help_text="By feature name; null where it cannot be said.")
    error = serializers.CharField(allow_blank=True)
    extractor_version = serializers.CharField()
    computed_at = serializers.DateTimeField()


class MeasurementSerializer(PlainSerializer):
    id = serializers.UUIDField()
    session = serializers.UUIDField(source="session_id")
    name = serializers.CharField()
    captured_at = serializers.DateTimeField()
    datatype = serializers.CharField(help_text="As SigMF names it, such as ci16_le.")
    sample_rate = serializers.FloatField(allow_null=True)
    frequency = serializers.FloatField(allow_null=True)
    num_channels = serializers.IntegerField()
    sample_count = serializers.IntegerField(help_text="Of each channel.")
    duration_s = serializers.SerializerMethodField()
    size_bytes = serializers.IntegerField()
    sha512 = serializers.CharField(allow_blank=True)
    notes = serializers.ListField(child=serializers.CharField(), help_text="What is odd in it and was accepted.")
    created_at = serializers.DateTimeField()
    features = serializers.SerializerMethodField()
    links = serializers.SerializerMethodField()

    def get_duration_s(self, measurement: Measurement) -> float | None:
        return measurement.sample_count / measurement.sample_rate if measurement.sample_rate else None

    @extend_schema_field(FeaturesSerializer(allow_null=True))
    def get_features(self, measurement: Measurement) -> dict[str, Any] | None:
        found = getattr(measurement, "features", None)
        return found and FeaturesSerializer(found).data

    def get_links(self, measurement: Measurement) -> dict[str, str]:
        kinds = ["sigmf-meta", "sigmf-data", "sigmf"] if measurement.iq_data_location else ["sigmf-meta"]
        links = {kind: reverse(f"recording-{kind}", args=[measurement.pk]) for kind in kinds}
        found = getattr(measurement, "features", None)
        drawn = [kind for kind in ("spectrogram", "spectrum") if found and getattr(found, kind)]
        return links | {kind: reverse(f"measurement-{kind}", args=[measurement.pk]) for kind in drawn}


class RecordingSessionDetailSerializer(RecordingSessionSerializer):
    measurements = MeasurementSerializer(many=True, help_text="The newest hundred; `measurements` lists them all.")


class MeasurementDetailSerializer(MeasurementSerializer):
    metadata = serializers.DictField(help_text="As it came.")
