"""Work items as reviewers see them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from base.serializers import MoneyField, StrictSerializer
from loans.models import ReviewItem


class ReviewSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    loan_request_id = serializers.UUIDField()
    borrower_id = serializers.UUIDField(source="loan_request.borrower_id")
    requested_amount = MoneyField(source="loan_request.requested_amount")
    purpose = serializers.CharField(source="loan_request.purpose")
    term_months = serializers.IntegerField(source="loan_request.term_months")
    reason = serializers.CharField()
    risk = serializers.FloatField()
    status = serializers.ChoiceField(choices=ReviewItem.Status.choices)
    opened_at = serializers.DateTimeField()
    due_at = serializers.DateTimeField()
    claimed_by = serializers.CharField(allow_null=True)
    claimed_at = serializers.DateTimeField(allow_null=True)
    claim_until = serializers.DateTimeField(allow_null=True)


class ReleaseSerializer(StrictSerializer):
    reason = serializers.CharField(max_length=300, default="", allow_blank=True)


class DecideSerializer(StrictSerializer):
    """reasons: codes of the catalogue, strongest first; a decline needs 1 to 4, an approval has none."""

    decision = serializers.ChoiceField(choices=["approved", "declined"])
    reason = serializers.CharField(max_length=1000, help_text="For staff; borrowers never see it.")
    reasons = serializers.ListField(child=serializers.CharField(max_length=20), max_length=4, default=list)

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        if (data["decision"] == "declined") != bool(data["reasons"]):
            raise serializers.ValidationError({"reasons": ["A decline needs 1 to 4 codes, an approval none."]})
        return data


class ReasonSerializer(serializers.Serializer):
    code = serializers.CharField()
    text = serializers.CharField()
