"""Webhooks and deliveries as clients write and see them. Two answers alone hold a secret: to making and rotating."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from base.serializers import StrictSerializer
from tasks.definitions import registered_names
from tasks.models import TERMINAL, Delivery, Webhook
from tasks.webhooks import addresses, endpoints


class WebhookChangeSerializer(StrictSerializer):
    url = serializers.CharField(max_length=500, help_text="https, port 443 or 8443, a public host.")
    description = serializers.CharField(max_length=200, allow_blank=True, required=False)
    standing = serializers.BooleanField(
        required=False, help_text="Told of every matching task; if false, only of tasks that name this webhook."
    )
    task_names = serializers.ListField(
        child=serializers.CharField(max_length=120), max_length=50, required=False, help_text="Empty for all."
    )
    states = serializers.ListField(
        child=serializers.ChoiceField(choices=TERMINAL), min_length=1, max_length=3, required=False
    )

    def validate_url(self, url: str) -> str:
        try:
            accepted = endpoints.accepted_url(url)
        except (addresses.BadAddress, addresses.Unresolved) as error:
            raise serializers.ValidationError(str(error)) from None
        if len(accepted) > 500:
            raise serializers.ValidationError("The URL is too long.")
        return accepted

    def validate_task_names(self, names: list[str]) -> list[str]:
        unknown = sorted(set(names) - set(registered_names()))
        if unknown:
            raise serializers.ValidationError([f"No task is named {name}." for name in unknown])
        return sorted(set(names))

    def validate_states(self, states: list[str]) -> list[str]:
        return sorted(set(states))


class WebhookCreateSerializer(WebhookChangeSerializer):
    def validate(self, fields: dict[str, Any]) -> dict[str, Any]:
        return {"states": sorted(TERMINAL), **fields}


class WebhookPatchSerializer(WebhookChangeSerializer):
    enabled = serializers.BooleanField(required=False)


class WebhookSerializer(serializers.ModelSerializer):
    webhook_id = serializers.UUIDField(source="id")
    enabled = serializers.SerializerMethodField()

    class Meta:
        model = Webhook
        fields = [
            "webhook_id",
            "url",
            "description",
            "standing",
            "sees_all",
            "task_names",
            "states",
            "created_at",
            "enabled",
            "disabled_at",
            "disabled_reason",
            "previous_until",
        ]
        extra_kwargs = {"previous_until": {"help_text": "Until then messages are signed with the secret before, too."}}

    def get_enabled(self, row: Webhook) -> bool:
        return row.disabled_at is None


class WebhookSecretSerializer(WebhookSerializer):
    """With the secret, which is shown this once."""

    class Meta(WebhookSerializer.Meta):
        fields = [*WebhookSerializer.Meta.fields, "secret"]


class DeliveryAttemptSerializer(serializers.Serializer):
    number = serializers.IntegerField()
    started_at = serializers.DateTimeField()
    took_ms = serializers.IntegerField()
    status = serializers.IntegerField(allow_null=True)
    excerpt = serializers.CharField(help_text="The beginning of the answer, at most 1024 characters.")
    error = serializers.CharField()


class DeliverySerializer(serializers.ModelSerializer):
    delivery_id = serializers.UUIDField(source="id")
    task_id = serializers.UUIDField(allow_null=True)
    resent_of = serializers.UUIDField(source="resent_of_id", allow_null=True)
    attempts = DeliveryAttemptSerializer(many=True)

    class Meta:
        model = Delivery
        fields = [
            "delivery_id",
            "message_id",
            "event",
            "task_id",
            "state",
            "error",
            "created_at",
            "ended_at",
            "resent_of",
            "attempts",
        ]
