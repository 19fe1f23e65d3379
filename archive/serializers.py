"""Exports as auditors ask for them and see them."""

from __future__ import annotations

from rest_framework import serializers

from archive.models import Format
from audit.serializers import FilterSerializer


class ExportRequestSerializer(FilterSerializer):
    """The filters of the list, and what is made of the entries they find."""

    format = serializers.ChoiceField(choices=Format.choices)
    reason = serializers.CharField(
        max_length=300, required=False, default="", allow_blank=True, help_text="Kept in the audit trail."
    )


class ExportAskedSerializer(serializers.Serializer):
    id = serializers.UUIDField()
    export = serializers.CharField()
    task_id = serializers.UUIDField()
    message = serializers.CharField()
    status = serializers.CharField()


class ExportSerializer(serializers.Serializer):
    """`download` is there once the file is."""

    id = serializers.UUIDField()
    state = serializers.ChoiceField(choices=["pending", "processing", "completed", "failed", "cancelled"])
    progress = serializers.IntegerField(min_value=0, max_value=100)
    message = serializers.CharField()
    format = serializers.ChoiceField(choices=Format.choices)
    filters = serializers.DictField(child=serializers.CharField())
    reason = serializers.CharField()
    requested_by = serializers.IntegerField(allow_null=True)
    rows = serializers.IntegerField(allow_null=True)
    bytes = serializers.IntegerField(allow_null=True)
    sha256 = serializers.CharField()
    task = serializers.CharField()
    download = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField()


class ExportDetailSerializer(ExportSerializer):
    manifest = serializers.DictField(allow_null=True)
