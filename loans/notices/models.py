"""Notices as they were sent."""

import pgtrigger
from django.db import models
from django.db.models import Func, Q
from django.db.models.functions import Now

from loans.keeping import never_emptied


class Notice(models.Model):
    """What a borrower was told about one decision, word for word, with the SHA-256 of both texts."""

    class Channel(models.TextChoices):
        EMAIL = "email"
        POST = "post"  # printed by staff, for borrowers whose e-mail address is not known

    id = models.UUIDField(primary_key=True, db_default=Func(function="uuidv7"), editable=False)
    decision = models.OneToOneField("loans.CreditDecision", models.PROTECT, related_name="notice")
    channel = models.CharField(max_length=10, choices=Channel)
    due_date = models.DateField()
    subject = models.CharField(max_length=200)
    text = models.TextField()
    html = models.TextField()
    sha256 = models.CharField(max_length=64)
    issued_at = models.DateTimeField(db_default=Now())
    sent_at = models.DateTimeField(null=True)  # handed to the mail server, or to the post

    class Meta:
        ordering = ["-issued_at", "-id"]
        indexes = [models.Index(fields=["issued_at"], condition=Q(sent_at=None), name="notice_unsent")]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            never_emptied(),
            pgtrigger.Protect(
                name="only_sent", operation=pgtrigger.Update, condition=pgtrigger.AnyChange(exclude=["sent_at"])
            ),
            pgtrigger.Protect(
                name="sent_once", operation=pgtrigger.Update, condition=pgtrigger.Q(old__sent_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return self.subject
