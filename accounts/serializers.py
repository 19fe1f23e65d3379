"""What clients send and get. Names are those of the reports document's auth endpoints."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
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


class AddressField(serializers.EmailField):
    """A mail address in ASCII; empty for none."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=254, allow_blank=True, help_text="Another address is unverified.", **kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        address = super().to_internal_value(data)
        try:
            return rules.mail_address(address) if address else ""
        except rules.NotAnAddress as error:
            raise serializers.ValidationError(str(error)) from None


class ProfileSerializer(StrictSerializer):
    """What people may change about themselves."""

    first_name = serializers.CharField(max_length=150, allow_blank=True, required=False)
    last_name = serializers.CharField(max_length=150, allow_blank=True, required=False)
    email = AddressField(required=False)
    mail_notifications = serializers.BooleanField(required=False, help_text="Whether to mail what was not asked for.")


class ConfirmEmailSerializer(StrictSerializer):
    token = serializers.CharField(max_length=100, help_text="As the mail has it.")


class LoginsSerializer(serializers.Serializer):
    count = serializers.IntegerField()
    last_at = serializers.DateTimeField(allow_null=True)
    last_method = serializers.CharField(help_text="`code` or `password`; empty before the first.")
    last_network = serializers.CharField(allow_null=True, help_text="Such as 192.0.2.0/24.")
    failed_looks_30d = serializers.IntegerField(help_text="Wrong codes for this phone; up to ten minutes behind.")


class UserSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    username = serializers.CharField()
    first_name = serializers.CharField()
    last_name = serializers.CharField()
    phone = serializers.CharField(allow_null=True)
    email = serializers.CharField()
    email_verified = serializers.SerializerMethodField()
    mail_notifications = serializers.BooleanField()
    role = serializers.ChoiceField(choices=[(role.value, role.value) for role in Role])
    reputation = serializers.IntegerField()
    created_at = serializers.DateTimeField(source="date_joined")
    last_login = serializers.DateTimeField(allow_null=True)
    logins = serializers.SerializerMethodField()

    def get_email_verified(self, user: Any) -> bool:
        return user.email_verified_at is not None

    @extend_schema_field(LoginsSerializer)
    def get_logins(self, user: Any) -> dict[str, Any]:
        counted = getattr(user, "login_statistics", None)
        return {
            "count": counted.logins if counted else 0,
            "last_at": counted and counted.last_at,
            "last_method": counted.last_method if counted else "",
            "last_network": rules.masked_ip(counted.last_ip) if counted else None,
            "failed_looks_30d": user.failed_looks_30d,
        }


class SessionSerializer(serializers.Serializer):
    id = serializers.UUIDField()
    device = serializers.SerializerMethodField()
    network = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(help_text="When its tokens were renewed last.")
    expires_at = serializers.DateTimeField()
    current = serializers.SerializerMethodField()

    def get_device(self, session: Any) -> str:
        return rules.device_of(session.user_agent)

    def get_network(self, session: Any) -> str | None:
        return rules.masked_ip(session.ip)

    def get_current(self, session: Any) -> bool:
        return session.pk == self.context["current"]


class SessionsSerializer(serializers.Serializer):
    results = SessionSerializer(many=True)


class RevokedSerializer(serializers.Serializer):
    revoked = serializers.IntegerField(help_text="How many were open.")


class LockReasonSerializer(StrictSerializer):
    reason = serializers.CharField(max_length=300, help_text="Kept in the audit trail.")


class LockSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    is_active = serializers.BooleanField()
