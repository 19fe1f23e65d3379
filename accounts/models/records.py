"""What is counted and kept about users: logins, reputation, mail, and what they were answered."""

from django.db import models
from django.db.models import Func, Q
from django.db.models.functions import Now

from accounts.models.people import User


class Login(models.Model):
    """One login, as its entry in the audit trail tells it. The entry is what makes it count once."""

    user = models.ForeignKey(User, models.CASCADE, related_name="logins")
    at = models.DateTimeField()
    method = models.CharField(max_length=20)
    ip = models.GenericIPAddressField(null=True)
    entry_id = models.BigIntegerField(unique=True)

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(fields=["user", "-at"], name="login_by_user"),
            models.Index(fields=["at"], name="login_age"),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.at:%Y-%m-%d %H:%M}"


class LoginStatistics(models.Model):
    """All logins of a user, and the last of them."""

    user = models.OneToOneField(User, models.CASCADE, primary_key=True, related_name="login_statistics")
    logins = models.PositiveIntegerField()
    last_at = models.DateTimeField()
    last_method = models.CharField(max_length=20)
    last_ip = models.GenericIPAddressField(null=True)

    def __str__(self) -> str:
        return f"{self.logins} logins"


class LoginDay(models.Model):
    """A user's logins of one day (UTC), and how often a wrong code was tried for their phone."""

    user = models.ForeignKey(User, models.CASCADE, related_name="login_days")
    day = models.DateField()
    logins = models.PositiveIntegerField(db_default=0)
    failed_looks = models.PositiveIntegerField(db_default=0)

    class Meta:
        verbose_name, verbose_name_plural = "login day", "logins"
        ordering = ["-day"]
        indexes = [models.Index(fields=["day"], name="loginday_by_day")]
        constraints = [models.UniqueConstraint(fields=["user", "day"], name="loginday_once")]

    def __str__(self) -> str:
        return f"{self.day}"


class ReputationChange(models.Model):
    """Points a rule gave or took, once for each subject. `User.reputation` is their sum."""

    user = models.ForeignKey(User, models.CASCADE, related_name="reputation_changes")
    rule = models.CharField(max_length=40)
    subject_type = models.CharField(max_length=40)
    subject_id = models.CharField(max_length=64)
    points = models.IntegerField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "reputation"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["user", "rule", "subject_type", "subject_id"], name="reputation_once")
        ]

    def __str__(self) -> str:
        return f"{self.rule} {self.points:+d}"


class Mail(models.Model):
    """A message to one address. Its id is in the Message-ID, by which a receiver knows it when it comes again."""

    id = models.UUIDField(primary_key=True, db_default=Func(function="gen_random_uuid"), editable=False)
    to = models.EmailField()
    subject = models.CharField(max_length=200)
    body = models.TextField()
    about_type = models.CharField(max_length=40)
    about_id = models.CharField(max_length=64)
    created_at = models.DateTimeField(db_default=Now())
    sent_at = models.DateTimeField(null=True)  # handed to the mail server

    class Meta:
        verbose_name_plural = "mail"
        indexes = [models.Index(fields=["created_at"], name="mail_age")]

    def __str__(self) -> str:
        return self.subject


class IdempotencyKey(models.Model):
    """What a client's `Idempotency-Key` was answered, kept with the effect it names in one transaction.

    address: on the network, of who asked without an account; a key belongs to one account or one address.
    """

    user = models.ForeignKey(User, models.CASCADE, null=True, related_name="+")
    address = models.CharField(max_length=45, db_default="")
    endpoint = models.CharField(max_length=80)
    key = models.CharField(max_length=255)
    request_hash = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    body = models.TextField(default="")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "address", "endpoint", "key"], nulls_distinct=False, name="idempotency_key_once"
            ),
            models.CheckConstraint(
                condition=Q(user=None) & ~Q(address="") | Q(user__isnull=False, address=""),
                name="idempotency_key_of_somebody",
            ),
        ]
        indexes = [models.Index(fields=["created_at"], name="idempotency_age")]

    def __str__(self) -> str:
        return f"{self.endpoint} {self.key}"
