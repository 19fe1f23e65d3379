"""Write the shipped policies as rows, once each; what is there is never touched."""

from __future__ import annotations

from django.db import DatabaseError, transaction
from django.utils import timezone

from loans.policy.fraud import RuleSet
from loans.policy.models import FIRST_VERSION, FraudRule, FraudRuleSet, PolicyVersion
from loans.policy.published import forget_policies
from loans.policy.shipped import SHIPPED
from loans.rules import Policy

FIELDS = [
    "approve_from",
    "approve_from_application",
    "review_from",
    "fraud_review_from",
    "low_risk_below",
    "high_risk_from",
    "max_amount",
    "scorecard",
    "anomaly",
    "anomaly_from",
    "anomaly_weight",
]


@transaction.atomic
def ship() -> None:
    """After each migration, also of a flushed database. An old state of the tables is left for the next one."""
    try:
        with transaction.atomic():
            known = set(PolicyVersion.objects.values_list("version", flat=True))
    except DatabaseError:
        return
    forget_policies()
    for policy in SHIPPED:
        if policy.version not in known:
            store_policy(policy)


def store_policy(policy: Policy, **fields: object) -> PolicyVersion:
    """A draft, but for the first policy: it acts at once."""
    if policy.version == FIRST_VERSION:
        fields |= {"status": PolicyVersion.Status.ACTIVE, "activated_at": timezone.now()}
    known = FraudRuleSet.objects.filter(version=policy.rule_set.version).first()
    return PolicyVersion.objects.create(
        version=policy.version,
        rule_set=known or store_rules(policy.rule_set),
        **{name: getattr(policy, name) for name in FIELDS},
        **fields,
    )


def store_rules(rule_set: RuleSet) -> FraudRuleSet:
    row = FraudRuleSet.objects.create(version=rule_set.version)
    FraudRule.objects.bulk_create(
        FraudRule(
            rule_set=row,
            position=position,
            name=rule.name,
            kind=rule.kind,
            limits=dict(rule.limits),
            weight=rule.weight,
            reason_code=rule.reason.code,
            reason_text=rule.reason.text,
            enabled=rule.enabled,
        )
        for position, rule in enumerate(rule_set.rules, 1)
    )
    return row
