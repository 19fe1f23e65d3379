"""Borrowers, what they ask for, and what was decided."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Func, Q
from django.db.models.functions import Now

from loans.keeping import never_emptied
from loans.notices.models import Notice
from loans.policy.models import FraudRule, FraudRuleSet, PolicyTrial, PolicyVersion, ShadowDecision
from loans.repayment.models import Instalment, LoanPayment
from loans.review.models import ReviewItem

__all__ = [
    "Borrower",
    "CreditDecision",
    "FraudRule",
    "FraudRuleSet",
    "Instalment",
    "Loan",
    "LoanPayment",
    "LoanRequest",
    "Notice",
    "PolicyTrial",
    "PolicyVersion",
    "ReviewItem",
    "ShadowDecision",
]
BY_SOMEBODY_ELSE = """
IF EXISTS (
  SELECT FROM loans_loanrequest r JOIN loans_borrower b ON b.id = r.borrower_id
  WHERE r.id = NEW.loan_request_id AND b.user_id = NEW.decided_by_id)
THEN RAISE EXCEPTION 'a request is not decided by who made it' USING ERRCODE = 'check_violation';
END IF;
RETURN NEW;
"""


class Borrower(models.Model):
    """A user's side as somebody who borrows. Its id is the entity id of its raw events and features."""

    id = models.UUIDField(primary_key=True, db_default=Func(function="gen_random_uuid"), editable=False)
    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.PROTECT, related_name="borrower")
    external_ref = models.CharField(max_length=60, null=True, unique=True)  # noqa: DJ001 - NULL: born here
    birth_date = models.DateField(null=True)
    customer_since = models.DateField(null=True)
    second_holder = models.BooleanField(null=True)  # somebody else disposes of the account too; NULL: not known
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.external_ref or str(self.id)


class Loan(models.Model):
    """A loan that was granted, and how it went."""

    class Outcome(models.TextChoices):
        REPAID = "repaid"
        DEFAULTED = "defaulted"
        RUNNING = "running"
        IN_DEBT = "in_debt"

    borrower = models.ForeignKey(Borrower, models.PROTECT, related_name="loans")
    request = models.OneToOneField("loans.LoanRequest", models.PROTECT, null=True, related_name="loan")
    external_ref = models.CharField(max_length=60, unique=True)
    granted_date = models.DateField()
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    term_months = models.PositiveSmallIntegerField()
    monthly_payment = models.DecimalField(max_digits=12, decimal_places=2)
    outcome = models.CharField(max_length=10, choices=Outcome)

    class Meta:
        ordering = ["-granted_date"]

    def __str__(self) -> str:
        return self.external_ref

    @property
    def is_bad(self) -> bool:
        return self.outcome in (self.Outcome.DEFAULTED, self.Outcome.IN_DEBT)


class LoanRequest(models.Model):
    """What a borrower asked for."""

    class Status(models.TextChoices):
        PENDING = "pending"  # a reviewer has to look
        APPROVED = "approved"
        DECLINED = "declined"

    id = models.UUIDField(primary_key=True, db_default=Func(function="uuidv7"), editable=False)
    # Found by loan_by_borrower, as decisions are by one_decision_per_number: an index each is enough.
    borrower = models.ForeignKey(Borrower, models.PROTECT, db_index=False, related_name="requests")
    requested_amount = models.DecimalField(max_digits=12, decimal_places=2)
    purpose = models.CharField(max_length=100)
    term_months = models.PositiveSmallIntegerField()
    status = models.CharField(max_length=10, choices=Status)
    ip = models.GenericIPAddressField(null=True)
    phone_hash = models.CharField(max_length=64, null=True)  # noqa: DJ001 - NULL: the account has none
    device_hash = models.CharField(max_length=64, null=True)  # noqa: DJ001 - NULL: the client names none
    told = models.BooleanField(db_default=False)  # a notice of the decline was handed to the mail or the post
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [models.CheckConstraint(condition=Q(requested_amount__gt=0), name="loan_amount_positive")]
        indexes = [
            models.Index(fields=["borrower", "-created_at", "-id"], name="loan_by_borrower"),
            models.Index(fields=["ip", "-created_at"], name="loan_by_ip"),
            models.Index(
                fields=["phone_hash", "-created_at"], condition=Q(phone_hash__isnull=False), name="loan_by_phone"
            ),
            models.Index(
                fields=["device_hash", "-created_at"], condition=Q(device_hash__isnull=False), name="loan_by_device"
            ),
            models.Index(fields=["-created_at", "-id"], name="loan_newest"),
            models.Index(fields=["created_at"], condition=Q(told=False) & ~Q(status="approved"), name="loan_not_told"),
        ]

    def __str__(self) -> str:
        return f"{self.requested_amount:,.2f} for {self.purpose}"


class CreditDecision(models.Model):
    """A decision on a request, with everything it was made from; rows never change.

    Number 1 is the machine's. Number 2 is a reviewer's, who is not the borrower: the scores are those of number 1.
    """

    class Outcome(models.TextChoices):
        APPROVED = "approved"
        REVIEW = "review"
        DECLINED = "declined"

    id = models.UUIDField(primary_key=True, db_default=Func(function="uuidv7"), editable=False)
    loan_request = models.ForeignKey(LoanRequest, models.PROTECT, db_index=False, related_name="decisions")
    number = models.PositiveSmallIntegerField(default=1)
    outcome = models.CharField(max_length=10, choices=Outcome)
    reasons = models.JSONField()  # sentences, as the API gives them
    adverse_reasons = models.JSONField(default=list)  # principal reasons: code, text, rank, points lost
    base_credit_score = models.SmallIntegerField()
    trust_score = models.FloatField()
    trust_boost = models.FloatField()
    final_credit_score = models.SmallIntegerField()
    default_probability = models.FloatField()
    fraud_score = models.FloatField()
    fraud_flags = models.JSONField(default=list)
    fraud_evidence = models.JSONField(default=list)  # of each flag, for staff alone
    risk_level = models.CharField(max_length=10)
    flag_risk = models.BooleanField()
    policy_version = models.CharField(max_length=20)
    model_version = models.CharField(max_length=80)
    explanation = models.JSONField(default=dict)
    inputs = models.JSONField()  # application, features with their as-of, thresholds: enough to decide again
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["loan_request", "number"]
        permissions = [("see_fraud_evidence", "Can see what raised a fraud flag")]
        constraints = [
            models.UniqueConstraint(fields=["loan_request", "number"], name="one_decision_per_number"),
            models.CheckConstraint(
                condition=Q(number=1, decided_by=None) | Q(number=2, decided_by__isnull=False),
                name="decision_by_machine_then_person",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
            never_emptied(),
            pgtrigger.Trigger(
                name="by_somebody_else",
                operation=pgtrigger.Insert,
                when=pgtrigger.Before,
                condition=pgtrigger.Q(new__number__gt=1),
                func=BY_SOMEBODY_ELSE,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.outcome} ({self.final_credit_score})"
