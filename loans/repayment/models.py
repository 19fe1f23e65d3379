"""Instalments, and what became of them. Rows are added and never changed."""

import pgtrigger
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from loans.keeping import never_emptied

NEVER = pgtrigger.Update | pgtrigger.Delete


class Instalment(models.Model):
    """A part of a loan and the day it is due. number: from 1."""

    loan = models.ForeignKey("loans.Loan", models.PROTECT, related_name="instalments")
    number = models.PositiveSmallIntegerField()
    due_date = models.DateField()
    amount = models.DecimalField(max_digits=12, decimal_places=2)

    class Meta:
        ordering = ["loan", "number"]
        constraints = [
            models.UniqueConstraint(fields=["loan", "number"], name="instalment_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="instalment_amount_positive"),
        ]
        indexes = [models.Index(fields=["due_date"], name="instalment_by_date")]
        triggers = [pgtrigger.Protect(name="append_only", operation=NEVER), never_emptied()]

    def __str__(self) -> str:
        return f"instalment {self.number}"


class LoanPayment(models.Model):
    """An instalment was paid, or its date and the days of grace went by. A missed one may still be paid later."""

    class Kind(models.TextChoices):
        PAID = "paid"
        MISSED = "missed"

    instalment = models.ForeignKey(Instalment, models.PROTECT, related_name="payments")
    kind = models.CharField(max_length=10, choices=Kind)
    happened_at = models.DateTimeField()
    external_id = models.CharField(max_length=100, null=True, unique=True)  # noqa: DJ001 - NULL: found by ourselves
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["instalment", "kind"], name="instalment_paid_once_missed_once"),
            models.CheckConstraint(condition=Q(kind__in=["paid", "missed"]), name="payment_kind_known"),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=NEVER), never_emptied()]

    def __str__(self) -> str:
        return f"{self.kind} {self.instalment_id}"
