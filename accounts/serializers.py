"""What clients send and get. Names are those of the reports document's auth endpoints."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts import rules, tokens
from base.roles import Role
from base.serializers import StrictSerializer


class PhoneField(serializers.CharField):
    """A phone number in international form, as E.164 inside."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=32, help_text="International form, such as +4930901820.", **kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        try:
            return rules.e164(super().to_internal_value(data))
        except rules.NotAPhone as error:
            raise serializers.ValidationError(str(error)) from None


class RequestOtpSerializer(StrictSerializer):
    phone = PhoneField()


class VerifyOtpSerializer(StrictSerializer):
    phone = PhoneField()
    otp = serializers.RegexField(r"\A[0-9]{6}\Z", max_length=6, help_text="The six digits of the message.")


class RefreshSerializer(StrictSerializer):
    refresh_token = serializers.CharField(max_length=tokens.MAX_LENGTH)


class NothingSerializer(StrictSerializer):
    """A request without a body."""


class MessageSerializer(serializers.Serializer):
    message = serializers.CharField()


class TokensSerializer(serializers.Serializer):
    access_token = serializers.CharField()
    refresh_token = serializers.CharField()
    token_type = serializers.CharField(help_text="Always `bearer`.")
    expires_in = serializers.IntegerField(help_text="Seconds until the access token ends.")


class UserSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    username = serializers.CharField()
    phone = serializers.CharField(allow_null=True)
    email = serializers.CharField()
    role = serializers.ChoiceField(choices=[(role.value, role.value) for role in Role])
    reputation = serializers.IntegerField()
    created_at = serializers.DateTimeField(source="date_joined")
    last_login = serializers.DateTimeField(allow_null=True)
