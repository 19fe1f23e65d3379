"""Policies and fraud rules as rows that never change, what trying them said, and what a challenger would decide.

A policy's contents are written once; only its state moves on: draft, tried, approved, active, retired. The database
refuses everything else, whoever writes.
"""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Now

from loans.keeping import never_emptied
from loans.policy.fraud import KINDS

FIRST_VERSION = "1.0"  # came with the code and was active before there were people to approve it
USED = """
IF EXISTS (SELECT 1 FROM loans_policyversion WHERE rule_set_id = NEW.rule_set_id) THEN
  RAISE EXCEPTION 'the rules of a policy are closed' USING ERRCODE = 'insufficient_privilege';
END IF;
RETURN NEW;
"""
APPROVAL_CHANGED = (
    "OLD.approved_at IS NOT NULL"
    " AND (OLD.approved_by_id, OLD.approved_at) IS DISTINCT FROM (NEW.approved_by_id, NEW.approved_at)"
)


def never_changed() -> list[pgtrigger.Trigger]:
    return [
        pgtrigger.Protect(name="never_changed", operation=pgtrigger.Update | pgtrigger.Delete),
        never_emptied(),
    ]


class FraudRuleSet(models.Model):
    """Fraud rules that act together. A change is another set."""

    version = models.CharField(max_length=20, unique=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]
        triggers = never_changed()

    def __str__(self) -> str:
        return f"fraud rules {self.version}"


class FraudRule(models.Model):
    """One rule of a set; `loans.policy.fraud` says what its kind does with its limits."""

    rule_set = models.ForeignKey(FraudRuleSet, models.PROTECT, related_name="rules", db_index=False)
    position = models.PositiveSmallIntegerField()  # in which the flags are listed
    name = models.CharField(max_length=60)
    kind = models.CharField(max_length=30, choices=[(name, kind.title) for name, kind in KINDS.items()])
    limits = models.JSONField()
    weight = models.FloatField()
    reason_code = models.CharField(max_length=10)
    reason_text = models.CharField(max_length=200)  # what a borrower may be told
    enabled = models.BooleanField(default=True)

    class Meta:
        ordering = ["rule_set", "position"]
        constraints = [
            models.UniqueConstraint(fields=["rule_set", "position"], name="fraud_rule_position"),
            models.UniqueConstraint(fields=["rule_set", "name"], name="fraud_rule_name"),
            models.CheckConstraint(condition=Q(kind__in=list(KINDS)), name="fraud_rule_kind_known"),
            models.CheckConstraint(condition=Q(weight__gt=0, weight__lte=1), name="fraud_rule_weight"),
        ]
        triggers = [
            *never_changed(),
            pgtrigger.Trigger(name="closed", when=pgtrigger.Before, operation=pgtrigger.Insert, func=USED),
        ]

    def __str__(self) -> str:
        return self.name


class PolicyVersion(models.Model):
    """Thresholds and rules that decide. Scores 0–100, probabilities 0–1, amounts in the lender's currency.

    author: None for what came with the code. scorecard, anomaly: versions of published artifacts; without a name the
    current scorecard, and no anomaly score. is_challenger: decides in shadow what the active one decides.
    """

    class Status(models.TextChoices):
        DRAFT = "draft"
        TRIED = "tried"
        APPROVED = "approved"
        ACTIVE = "active"
        RETIRED = "retired"

    version = models.CharField(max_length=20, unique=True)
    note = models.CharField(max_length=300, default="")
    approve_from = models.SmallIntegerField()
    approve_from_application = models.SmallIntegerField()
    review_from = models.SmallIntegerField()
    fraud_review_from = models.FloatField()
    low_risk_below = models.FloatField()
    high_risk_from = models.FloatField()
    max_amount = models.DecimalField(max_digits=12, decimal_places=2, null=True)
    rule_set = models.ForeignKey(FraudRuleSet, models.PROTECT, related_name="policies")
    scorecard = models.CharField(max_length=20, default="")
    anomaly = models.CharField(max_length=20, default="")
    anomaly_from = models.FloatField(default=1.0)
    anomaly_weight = models.FloatField(default=0.0)

    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT)
    is_challenger = models.BooleanField(default=False)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    approved_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    tried_at = models.DateTimeField(null=True)
    approved_at = models.DateTimeField(null=True)
    activated_at = models.DateTimeField(null=True)
    retired_at = models.DateTimeField(null=True)
    challenger_since = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        permissions = [
            ("draft_policyversion", "Can draft and try policies, and let them challenge"),
            ("approve_policyversion", "Can approve, activate and retire policies of others"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["status"], condition=Q(status="active"), name="policy_one_active"),
            models.UniqueConstraint(
                fields=["is_challenger"], condition=Q(is_challenger=True), name="policy_one_challenger"
            ),
            models.CheckConstraint(
                condition=Q(author=None) | Q(approved_by=None) | ~Q(author=F("approved_by")), name="policy_two_people"
            ),
            models.CheckConstraint(
                condition=Q(status__in=["draft", "tried", "retired"])
                | Q(version=FIRST_VERSION)
                | Q(approved_by__isnull=False, approved_at__isnull=False),
                name="policy_acts_approved",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["draft", "retired"]) | Q(version=FIRST_VERSION) | Q(tried_at__isnull=False),
                name="policy_approved_tried",
            ),
            models.CheckConstraint(
                condition=Q(is_challenger=False)
                | Q(status__in=["tried", "approved"], challenger_since__isnull=False),
                name="policy_challenger_waits",
            ),
            models.CheckConstraint(
                condition=Q(review_from__gte=0)
                & Q(approve_from__gte=F("review_from"), approve_from__lte=100)
                & Q(approve_from_application__gte=F("review_from"), approve_from_application__lte=100),
                name="policy_scores_in_order",
            ),
            models.CheckConstraint(
                condition=Q(fraud_review_from__gt=0, fraud_review_from__lte=1)
                & Q(low_risk_below__gte=0, high_risk_from__gte=F("low_risk_below"), high_risk_from__lte=1)
                & Q(anomaly_from__gt=0, anomaly_from__lte=1, anomaly_weight__gte=0, anomaly_weight__lte=1),
                name="policy_shares",
            ),
            models.CheckConstraint(condition=Q(max_amount=None) | Q(max_amount__gt=0), name="policy_max_amount"),
        ]  # fmt: skip
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            never_emptied(),
            pgtrigger.Protect(
                name="contents_never_changed",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange(
                    exclude=["status", "is_challenger", "approved_by", "tried_at", "approved_at", "activated_at",
                             "retired_at", "challenger_since"]
                ),
            ),
            pgtrigger.Protect(
                name="approval_never_changed",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(APPROVAL_CHANGED),
            ),
            pgtrigger.Protect(
                name="begins_as_draft",
                operation=pgtrigger.Insert,
                condition=pgtrigger.Condition(f"NEW.status <> 'draft' AND NEW.version <> '{FIRST_VERSION}'"),
            ),
            pgtrigger.FSM(
                name="states_in_order",
                field="status",
                transitions=[
                    ("draft", "tried"), ("tried", "approved"), ("approved", "active"), ("active", "retired"),
                    ("retired", "active"), ("draft", "retired"), ("tried", "retired"), ("approved", "retired"),
                ],
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"policy {self.version}"


class PolicyTrial(models.Model):
    """What a policy would have done with past requests, beside what was decided. Report's shape: `loans.policy.trial`.

    loss_given_default: the share of an amount that is lost when a loan goes bad, assumed for the expected loss.
    """

    id = models.UUIDField(primary_key=True, db_default=Func(function="uuidv7"), editable=False)
    policy = models.ForeignKey(PolicyVersion, models.PROTECT, related_name="trials")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    task_id = models.UUIDField(null=True)
    since = models.DateTimeField(null=True)
    loss_given_default = models.FloatField()
    report = models.JSONField()
    flips = models.JSONField()  # the first of them: request, from, to
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(loss_given_default__gte=0, loss_given_default__lte=1), name="trial_loss_share"
            )
        ]
        triggers = never_changed()

    def __str__(self) -> str:
        return f"trial of {self.policy}"


class ShadowDecision(models.Model):
    """What a challenger would have decided, made behind the request and never told to anybody outside."""

    decision = models.ForeignKey("loans.CreditDecision", models.PROTECT, related_name="shadows")
    policy = models.ForeignKey(PolicyVersion, models.PROTECT, related_name="shadows", db_index=False)
    asked_at = models.DateTimeField()  # the request's time
    outcome = models.CharField(max_length=10)
    final_credit_score = models.SmallIntegerField()
    default_probability = models.FloatField()
    fraud_score = models.FloatField()
    fraud_flags = models.JSONField(default=list)
    agrees = models.BooleanField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["policy", "decision"], name="one_shadow_per_policy")]
        indexes = [
            models.Index(fields=["policy", "-asked_at"], name="shadow_newest"),
            models.Index(fields=["policy", "-id"], condition=Q(agrees=False), name="shadow_flips"),
        ]
        triggers = never_changed()

    def __str__(self) -> str:
        return f"{self.outcome} by {self.policy_id}"
