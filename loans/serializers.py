"""Loan requests and decisions with the keys of their source document."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from base.serializers import MoneyField, StrictSerializer
from loans.inputs import DEFAULT_TERM_MONTHS
from loans.models import CreditDecision, LoanRequest


class LoanRequestCreateSerializer(StrictSerializer):
    requested_amount = MoneyField()
    purpose = serializers.CharField(max_length=100)
    term_months = serializers.IntegerField(min_value=3, max_value=120, default=DEFAULT_TERM_MONTHS)


class LoanRequestSerializer(serializers.Serializer):
    id = serializers.UUIDField()
    borrower_id = serializers.UUIDField()
    requested_amount = MoneyField()
    purpose = serializers.CharField()
    term_months = serializers.IntegerField()
    status = serializers.ChoiceField(choices=LoanRequest.Status.choices)
    created_at = serializers.DateTimeField()


class AcceptedLoanRequestSerializer(LoanRequestSerializer):
    audit_logged = serializers.BooleanField()


class SignalsSerializer(serializers.Serializer):
    base_credit_score = serializers.IntegerField()
    trust_score = serializers.FloatField()
    trust_boost = serializers.FloatField()
    final_credit_score = serializers.IntegerField()
    fraud_score = serializers.FloatField()
    fraud_flags = serializers.ListField(child=serializers.CharField())
    risk_level = serializers.CharField()
    flag_risk = serializers.BooleanField()


class PolicyDecisionSerializer(serializers.Serializer):
    decision = serializers.CharField(source="outcome")
    reasons = serializers.ListField(child=serializers.CharField())
    policy_version = serializers.CharField()


class DecisionSerializer(serializers.Serializer):
    id = serializers.UUIDField()
    ai_signals = SignalsSerializer(source="*")
    policy_decision = PolicyDecisionSerializer(source="*")
    explanation = serializers.DictField()
    model_version = serializers.CharField()


class LoanAnswerSerializer(serializers.Serializer):
    loan_request = AcceptedLoanRequestSerializer()
    credit_decision = DecisionSerializer()
    background_task_queued = serializers.BooleanField()
    background_task_note = serializers.CharField()
    task_id = serializers.UUIDField(allow_null=True)


class LoanDetailSerializer(LoanRequestSerializer):
    credit_decision = serializers.SerializerMethodField()

    def get_credit_decision(self, request: LoanRequest) -> dict[str, Any] | None:
        decisions = sorted(request.decisions.all(), key=lambda decision: decision.number)
        return decision_body(decisions[-1]) if decisions else None


def request_body(request: LoanRequest) -> dict[str, Any]:
    return {
        "id": request.id,
        "borrower_id": request.borrower_id,
        "requested_amount": request.requested_amount,
        "purpose": request.purpose,
        "term_months": request.term_months,
        "status": request.status,
        "created_at": request.created_at,
    }


def decision_body(decision: CreditDecision) -> dict[str, Any]:
    """Written out by hand: this is the answer's hot path."""
    return {
        "id": decision.id,
        "ai_signals": {
            "base_credit_score": decision.base_credit_score,
            "trust_score": decision.trust_score,
            "trust_boost": decision.trust_boost,
            "final_credit_score": decision.final_credit_score,
            "fraud_score": decision.fraud_score,
            "fraud_flags": list(decision.fraud_flags),
            "risk_level": decision.risk_level,
            "flag_risk": decision.flag_risk,
        },
        "policy_decision": {
            "decision": decision.outcome,
            "reasons": list(decision.reasons),
            "policy_version": decision.policy_version,
        },
        "explanation": decision.explanation,
        "model_version": decision.model_version,
    }
