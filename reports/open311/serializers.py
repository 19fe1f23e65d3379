"""The shapes of Open311: what a form may hold, and what the answers hold."""

from __future__ import annotations

import math
from typing import Any

from rest_framework import serializers

from base.serializers import StrictSerializer
from reports.open311.models import Attribute
from reports.open311.showing import LONGEST
from reports.serializers import Line, PlainText


class FormDegrees(serializers.FloatField):
    """A finite number, written as text."""

    def to_internal_value(self, data: Any) -> float:
        value = super().to_internal_value(data)
        if not math.isfinite(value):
            self.fail("invalid")
        return value


class Open311RequestFormSerializer(StrictSerializer):
    """A form's fields but `attribute[code]`. One of `lat` with `long`, `address_string` and `address_id` says where."""

    api_key = serializers.CharField(required=False, max_length=4_000, help_text="Or a bearer, as in the whole API.")
    jurisdiction_id = Line(required=False, max_length=200)
    service_code = serializers.SlugField(max_length=30)
    lat = FormDegrees(required=False, min_value=-90, max_value=90)
    long = FormDegrees(required=False, min_value=-180, max_value=180)
    address_string = Line(required=False, max_length=300)
    address_id = Line(required=False, max_length=100)
    description = PlainText(required=False, max_length=LONGEST)
    email = serializers.EmailField(required=False)
    device_id = Line(required=False, max_length=200)
    account_id = Line(required=False, max_length=100)
    first_name = Line(required=False, max_length=100)
    last_name = Line(required=False, max_length=100)
    phone = Line(required=False, max_length=40)
    media_url = serializers.URLField(required=False, max_length=500)

    def validate_media_url(self, value: str) -> str:
        if not value.startswith(("http://", "https://")):
            raise serializers.ValidationError("An address on the web.")
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("lat" in attrs) != ("long" in attrs):
            raise serializers.ValidationError("lat and long go together.")
        if "lat" not in attrs and "address_string" not in attrs:
            if "address_id" in attrs:
                raise serializers.ValidationError("No addresses are numbered here: send lat and long.")
            raise serializers.ValidationError("Say where it is: lat and long, or address_string.")
        return attrs


class Open311ServiceSerializer(serializers.Serializer):
    service_code = serializers.CharField()
    service_name = serializers.CharField()
    description = serializers.CharField()
    metadata = serializers.BooleanField(help_text="Whether the service has a definition with questions.")
    type = serializers.ChoiceField(choices=["realtime", "batch"])
    keywords = serializers.CharField()
    group = serializers.CharField()


class Open311ValueSerializer(serializers.Serializer):
    key = serializers.CharField()
    name = serializers.CharField()


class Open311AttributeSerializer(serializers.Serializer):
    variable = serializers.BooleanField()
    code = serializers.CharField()
    datatype = serializers.ChoiceField(choices=Attribute.Datatype.choices)
    required = serializers.BooleanField()  # type: ignore[assignment]
    datatype_description = serializers.CharField(allow_null=True)
    order = serializers.IntegerField()
    description = serializers.CharField()
    values = Open311ValueSerializer(many=True)  # type: ignore[assignment]


class Open311DefinitionSerializer(serializers.Serializer):
    service_code = serializers.CharField()
    attributes = Open311AttributeSerializer(many=True)


class Open311CreatedSerializer(serializers.Serializer):
    """Either number or token."""

    service_request_id = serializers.CharField(required=False)
    token = serializers.CharField(required=False)
    service_notice = serializers.CharField()
    account_id = serializers.CharField(required=False)


class Open311TokenSerializer(serializers.Serializer):
    service_request_id = serializers.CharField(required=False, help_text="Left out until it is known.")
    token = serializers.CharField()


class Open311NoteSerializer(serializers.Serializer):
    datetime = serializers.DateTimeField()
    type = serializers.CharField(help_text="What it became.")
    description = serializers.CharField(allow_null=True)


class Open311PhotoSerializer(serializers.Serializer):
    media_url = serializers.URLField()
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    created_at = serializers.DateTimeField()


class Open311ExtendedSerializer(serializers.Serializer):
    severity = serializers.CharField()
    channel = serializers.CharField(help_text="Where it came from.")
    confirmations = serializers.IntegerField(help_text="Others who have the same problem.")
    photos = Open311PhotoSerializer(many=True)


class Open311RequestSerializer(serializers.Serializer):
    service_request_id = serializers.CharField()
    status = serializers.ChoiceField(choices=["open", "closed"])
    status_notes = serializers.CharField(allow_null=True)
    service_name = serializers.CharField()
    service_code = serializers.CharField()
    description = serializers.CharField(allow_null=True)
    agency_responsible = serializers.CharField(allow_null=True)
    service_notice = serializers.CharField(allow_null=True)
    requested_datetime = serializers.DateTimeField()
    updated_datetime = serializers.DateTimeField()
    expected_datetime = serializers.DateTimeField(allow_null=True)
    address = serializers.CharField(allow_null=True)
    address_id = serializers.CharField(allow_null=True)
    zipcode = serializers.CharField(allow_null=True)
    lat = serializers.FloatField()
    long = serializers.FloatField()
    media_url = serializers.URLField(allow_null=True)
    extended_attributes = Open311ExtendedSerializer(required=False, help_text="With extensions=true alone, as notes.")
    notes = Open311NoteSerializer(many=True, required=False)


class Open311EndpointSerializer(serializers.Serializer):
    specification = serializers.URLField()
    url = serializers.URLField()
    changeset = serializers.CharField()
    type = serializers.ChoiceField(choices=["production", "test"])
    formats = serializers.ListField(child=serializers.CharField())


class Open311DiscoverySerializer(serializers.Serializer):
    changeset = serializers.CharField()
    contact = serializers.CharField()
    key_service = serializers.CharField()
    endpoints = Open311EndpointSerializer(many=True)
