"""Policies over HTTP."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from base.serializers import MoneyField, StrictSerializer
from loans.models import PolicyTrial, PolicyVersion
from loans.policy.control import InvalidPolicy, checked_rules
from loans.policy.shadow import compared
from loans.policy.trial import LOSS_GIVEN_DEFAULT


class ThresholdsSerializer(StrictSerializer):
    """Scores 0–100, shares and probabilities 0–1. What is left out stays as in the policy it is based on."""

    approve_from = serializers.IntegerField(min_value=0, max_value=100, required=False)
    approve_from_application = serializers.IntegerField(min_value=0, max_value=100, required=False)
    review_from = serializers.IntegerField(min_value=0, max_value=100, required=False)
    fraud_review_from = serializers.FloatField(min_value=0, max_value=1, required=False)
    low_risk_below = serializers.FloatField(min_value=0, max_value=1, required=False)
    high_risk_from = serializers.FloatField(min_value=0, max_value=1, required=False)
    max_amount = MoneyField(required=False, allow_null=True, help_text="decided without a person; null for any")
    scorecard = serializers.CharField(
        max_length=20, required=False, allow_blank=True, help_text="a published version; empty for the current one"
    )
    anomaly = serializers.CharField(
        max_length=20, required=False, allow_blank=True, help_text="a published version; empty for none"
    )
    anomaly_from = serializers.FloatField(min_value=0, max_value=1, required=False)
    anomaly_weight = serializers.FloatField(min_value=0, max_value=1, required=False)


class RuleSerializer(serializers.Serializer):
    name = serializers.CharField(max_length=60)
    kind = serializers.CharField(max_length=30)
    limits = serializers.DictField()
    weight = serializers.FloatField()
    reason_code = serializers.CharField(max_length=10)
    reason_text = serializers.CharField(max_length=200)
    enabled = serializers.BooleanField(required=False)


class RulesField(serializers.JSONField):
    """A whole set of fraud rules."""

    def to_internal_value(self, data: Any) -> list[dict[str, Any]]:
        try:
            return checked_rules(data)
        except InvalidPolicy as error:
            raise serializers.ValidationError(str(error)) from None


class DraftSerializer(StrictSerializer):
    version = serializers.RegexField(r"^[A-Za-z0-9._-]{1,10}$")
    based_on = serializers.CharField(max_length=20)
    reason = serializers.CharField(max_length=300, default="", allow_blank=True)
    changes = ThresholdsSerializer(default=dict)
    rules = RulesField(required=False, help_text="another set of fraud rules, whole")


class TrialRequestSerializer(StrictSerializer):
    since = serializers.DateTimeField(required=False)
    loss_given_default = serializers.FloatField(min_value=0, max_value=1, default=LOSS_GIVEN_DEFAULT)
    reason = serializers.CharField(max_length=300, default="", allow_blank=True)


class StartedTrialSerializer(serializers.Serializer):
    task_id = serializers.UUIDField()
    status = serializers.CharField()


class LendingPolicySerializer(serializers.ModelSerializer):
    rule_set = serializers.CharField(source="rule_set.version")
    author = serializers.CharField(source="author.username", default=None, allow_null=True)
    approved_by = serializers.CharField(source="approved_by.username", default=None, allow_null=True)

    class Meta:
        model = PolicyVersion
        exclude = ["id"]


class TrialSerializer(serializers.ModelSerializer):
    """report: what was decided and what would have been, in all and by card; flips: the first 2,000."""

    report = serializers.DictField()
    flips = serializers.ListField(child=serializers.DictField())

    class Meta:
        model = PolicyTrial
        exclude = ["policy", "asked_by"]


class ComparedSerializer(serializers.Serializer):
    requests = serializers.IntegerField()
    agreed = serializers.IntegerField()
    agreement = serializers.FloatField(allow_null=True)
    moves = serializers.ListField(child=serializers.DictField())


class LendingPolicyDetailSerializer(LendingPolicySerializer):
    rules = RuleSerializer(source="rule_set.rules", many=True)
    trial = serializers.SerializerMethodField()
    in_shadow = serializers.SerializerMethodField()

    def get_trial(self, row: PolicyVersion) -> dict[str, Any] | None:
        """The newest."""
        newest = row.trials.first()
        return TrialSerializer(newest).data if newest else None

    def get_in_shadow(self, row: PolicyVersion) -> dict[str, Any] | None:
        """How it compares with what was decided, where it challenges or once did."""
        return compared(row) if row.challenger_since else None
