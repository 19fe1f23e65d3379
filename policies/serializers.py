"""Quotes, policies and payments as programs write and see them. Times are ISO 8601, money USD."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from base.serializers import MoneyField, StrictSerializer
from policies.models import PaymentTransaction, Policy, Quote

BIGGEST_ID = 2**63 - 1


class IdField(serializers.IntegerField):
    """A key of a row, as a number or its decimal digits."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=1, max_value=BIGGEST_ID, **kwargs)


class ExternalIdField(serializers.CharField):
    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("help_text", "The writer's own; the same one sent again has one effect.")
        super().__init__(max_length=100, **kwargs)


class QuoteCreateSerializer(StrictSerializer):
    external_id = ExternalIdField()
    user_id = IdField()
    product = serializers.ChoiceField(choices=Quote.Product.choices)
    premium_usd = MoneyField(help_text="For a year.")
    instalments = serializers.ChoiceField(choices=Quote.Instalments.choices, default=Quote.Instalments.YEARLY)
    created_at = serializers.DateTimeField(required=False, help_text="Now, if left out.")


class QuoteSerializer(serializers.ModelSerializer):
    user_id = serializers.IntegerField()
    premium_usd = MoneyField()

    class Meta:
        model = Quote
        fields = ["id", "external_id", "user_id", "product", "premium_usd", "instalments", "created_at", "recorded_at",
                  "bound_at", "binding_recorded_at"]  # fmt: skip
        read_only_fields = fields


class PolicyCreateSerializer(StrictSerializer):
    external_id = ExternalIdField()
    quote_id = IdField(help_text="The quote to bind.")
    bound_at = serializers.DateTimeField(required=False, help_text="Now, if left out.")


class PolicySerializer(serializers.ModelSerializer):
    user_id = serializers.IntegerField()
    quote_id = serializers.IntegerField()

    class Meta:
        model = Policy
        fields = ["id", "external_id", "quote_id", "user_id", "starts_date", "ends_date", "recorded_at"]
        read_only_fields = fields


class PaymentTransactionCreateSerializer(StrictSerializer):
    external_id = ExternalIdField()
    policy_id = IdField()
    payment_type = serializers.ChoiceField(choices=PaymentTransaction.Kind.choices)
    amount_usd = MoneyField()
    status = serializers.ChoiceField(choices=PaymentTransaction.Status.choices)
    failure_reason = serializers.CharField(max_length=60, allow_blank=True, default="")
    attempted_at = serializers.DateTimeField(required=False, help_text="Now, if left out.")


class PaymentTransactionSerializer(serializers.ModelSerializer):
    policy_id = serializers.IntegerField()
    amount_usd = MoneyField()

    class Meta:
        model = PaymentTransaction
        fields = ["id", "external_id", "policy_id", "payment_type", "amount_usd", "status", "failure_reason",
                  "attempted_at", "recorded_at"]  # fmt: skip
        read_only_fields = fields
