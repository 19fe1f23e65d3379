"""Quotes, the policies they become, and what was paid for them. Money in USD.

A row tells when a thing happened and, in `recorded_at`, when we learned it. Rows are added and never changed, so that
a feature as of last week is the same today; the one exception is a quote's binding, which is written once.
"""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from features.definitions import marks_stale

NEVER = pgtrigger.Update | pgtrigger.Delete
QUOTED = "SELECT c.{key}, unnest(ARRAY[c.created_at, c.bound_at]) FROM changed c"
BOUND = "SELECT c.{key}, c.bound_at FROM changed c"
PAID = "SELECT p.user_id, c.attempted_at FROM changed c JOIN policies_policy p ON p.id = c.policy_id"
TRIED = "SELECT c.id, c.attempted_at FROM changed c"


class Quote(models.Model):
    """What a user was offered. Bound when they took it; most quotes never are."""

    class Product(models.TextChoices):
        MOTOR = "motor"
        HOME = "home"

    class Instalments(models.IntegerChoices):
        YEARLY = 1
        HALF_YEARLY = 2
        QUARTERLY = 4
        MONTHLY = 12

    external_id = models.CharField(max_length=100, unique=True)  # the writer's own; sent again, it is the same quote
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="quotes", db_index=False)
    product = models.CharField(max_length=10, choices=Product)
    premium_usd = models.DecimalField(max_digits=12, decimal_places=2)  # for a year
    instalments = models.PositiveSmallIntegerField(choices=Instalments)  # payments a year
    created_at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now())
    bound_at = models.DateTimeField(null=True)
    binding_recorded_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(premium_usd__gt=0), name="quote_premium_positive"),
            models.CheckConstraint(condition=Q(product__in=["motor", "home"]), name="quote_product_known"),
            models.CheckConstraint(condition=Q(instalments__in=[1, 2, 4, 12]), name="quote_instalments_known"),
            models.CheckConstraint(
                condition=Q(bound_at=None) | Q(bound_at__gte=F("created_at")), name="quote_bound_after_creation"
            ),
            models.CheckConstraint(
                condition=Q(bound_at=None, binding_recorded_at=None)
                | Q(bound_at__isnull=False, binding_recorded_at__isnull=False),
                name="quote_binding_recorded",
            ),
            models.UniqueConstraint(fields=["id", "user"], name="quote_with_its_user"),  # what a policy refers to
        ]
        indexes = [
            # Each covers the features over what it orders.
            models.Index(fields=["user", "created_at"], include=["recorded_at", "id"], name="quote_created_covering"),
            models.Index(
                fields=["user", "bound_at"],
                include=["binding_recorded_at", "created_at", "id"],
                condition=Q(bound_at__isnull=False),
                name="quote_bound_covering",
            ),
            models.Index(fields=["created_at"], include=["bound_at"], name="quote_by_time"),
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="bound_once", operation=pgtrigger.Update, condition=pgtrigger.Q(old__bound_at__isnull=False)
            ),
            pgtrigger.Protect(
                name="only_bound",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange(exclude=["bound_at", "binding_recorded_at"]),
            ),
            marks_stale("user", QUOTED.format(key="user_id")),
            marks_stale("quote", QUOTED.format(key="id")),
            marks_stale("user", BOUND.format(key="user_id"), on=pgtrigger.Update),
            marks_stale("quote", BOUND.format(key="id"), on=pgtrigger.Update),
        ]

    def __str__(self) -> str:
        return f"quote {self.pk}"


class QuoteStep(models.Model):
    """A quote was made, or bound: a view of the quotes in which both are rows of their own, for features over both."""

    class Kind(models.TextChoices):
        QUOTED = "quoted"
        BOUND = "bound"

    quote = models.ForeignKey(Quote, models.DO_NOTHING, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.DO_NOTHING, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind)
    happened_at = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "policies_quotestep"

    def __str__(self) -> str:
        return f"{self.kind} {self.quote_id}"


class Policy(models.Model):
    """A bound quote: what the user is insured by for a year. Its price and instalments are the quote's."""

    external_id = models.CharField(max_length=100, unique=True)
    quote = models.OneToOneField(Quote, models.PROTECT, related_name="policy")
    # The quote's; migration 0001 has the database hold the two together.
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="policies", db_index=False)
    starts_date = models.DateField()
    ends_date = models.DateField()  # the last day
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "policies"
        constraints = [models.CheckConstraint(condition=Q(ends_date__gt=F("starts_date")), name="policy_has_a_term")]
        indexes = [models.Index(fields=["user"], include=["id"], name="policy_by_user")]
        triggers = [pgtrigger.Protect(name="append_only", operation=NEVER)]

    def __str__(self) -> str:
        return f"policy {self.pk}"


class PaymentTransaction(models.Model):
    """One try to pay for a policy, with how it ended. Another try, or money given back, is another row.

    A status that changed on the row would change what features of the past say.
    """

    class Kind(models.TextChoices):
        CREDIT = "Credit", "Credit"
        DEBIT = "Debit", "Debit"
        PREPAID = "Prepaid", "Prepaid"

    class Status(models.TextChoices):
        SUCCEEDED = "succeeded"
        FAILED = "failed"

    external_id = models.CharField(max_length=100, unique=True)
    policy = models.ForeignKey(Policy, models.PROTECT, related_name="payments", db_index=False)
    payment_type = models.CharField(max_length=10, choices=Kind)
    amount_usd = models.DecimalField(max_digits=12, decimal_places=2)
    status = models.CharField(max_length=10, choices=Status)
    failure_reason = models.CharField(max_length=60, default="", blank=True)
    attempted_at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(amount_usd__gt=0), name="payment_amount_positive"),
            models.CheckConstraint(
                condition=Q(payment_type__in=["Credit", "Debit", "Prepaid"]), name="payment_type_known"
            ),
            models.CheckConstraint(condition=Q(status__in=["succeeded", "failed"]), name="payment_status_known"),
            models.CheckConstraint(
                condition=Q(status="failed") | Q(failure_reason=""), name="payment_reason_only_of_failures"
            ),
        ]
        indexes = [
            # Covers every feature over payments, through the few policies of a user.
            models.Index(
                fields=["policy", "attempted_at"],
                include=["status", "amount_usd", "payment_type", "recorded_at", "id"],
                name="payment_covering",
            ),
            models.Index(fields=["attempted_at"], include=["status"], name="payment_by_time"),
        ]
        triggers = [
            pgtrigger.Protect(name="append_only", operation=NEVER),
            marks_stale("user", PAID),
            marks_stale("payment_transaction", TRIED),
        ]

    def __str__(self) -> str:
        return f"payment {self.pk}"
