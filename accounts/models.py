"""People and programs, how they log in, and what they already asked for."""

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser
from django.contrib.auth.models import UserManager as DjangoUserManager
from django.db import models
from django.db.models import Func, Q
from django.db.models.functions import Now

from base.roles import Role

COUNTED = {"reputation"}  # of a user: changed by their services alone


class UserManager(DjangoUserManager):
    def create_superuser(self, username: str, *args: Any, **fields: Any) -> Any:
        return super().create_superuser(username, *args, **{"role": Role.ADMIN, **fields})


class User(AbstractUser):
    """A person (one-time code by phone; password for the console) or a program (API key).

    `role` decides what the API allows; the group of the same name carries the console permissions and is kept
    in step by `services.assign_role`.
    """

    phone = models.CharField(max_length=16, null=True, blank=True, unique=True)
    reputation = models.IntegerField(default=0, db_default=0, editable=False)  # the sum of its ReputationChanges
    role = models.CharField(max_length=10, choices=[(role, role.title()) for role in Role], default=Role.CLIENT)

    objects: ClassVar[UserManager] = UserManager()

    class Meta(AbstractUser.Meta):
        constraints = [
            models.CheckConstraint(condition=Q(role__in=list(Role)), name="user_role_known"),
            models.CheckConstraint(
                condition=Q(phone=None) | Q(phone__regex=r"^\+[1-9][0-9]{4,14}$"),
                name="user_phone_e164",
                violation_error_message="The phone must be in international form, such as +4930901820.",
            ),
        ]

    def __str__(self) -> str:
        return self.username

    def save(self, *args: Any, **kwargs: Any) -> None:
        """What services count is never written back from an old copy of the row."""
        if not self._state.adding and kwargs.get("update_fields") is None:
            left_out = {"id", *COUNTED, *self.get_deferred_fields()}
            names = {field.attname: field.name for field in self._meta.concrete_fields}
            kwargs["update_fields"] = [name for attname, name in names.items() if attname not in left_out]
        super().save(*args, **kwargs)


class ReputationChange(models.Model):
    """Points a rule gave or took, once for each subject. `User.reputation` is their sum."""

    user = models.ForeignKey(User, models.CASCADE, related_name="reputation_changes")
    rule = models.CharField(max_length=40)
    subject_type = models.CharField(max_length=40)
    subject_id = models.CharField(max_length=64)
    points = models.IntegerField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
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
        indexes = [models.Index(fields=["created_at"], name="mail_age")]

    def __str__(self) -> str:
        return self.subject


class OneTimeCode(models.Model):
    """A code sent to a phone. The code itself is kept nowhere: it is derived from this row's id and a server secret."""

    id = models.UUIDField(primary_key=True, db_default=Func(function="gen_random_uuid"), editable=False)
    phone = models.CharField(max_length=16)
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    used_at = models.DateTimeField(null=True)
    voided_at = models.DateTimeField(null=True)
    ip = models.GenericIPAddressField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["phone", "-created_at"], name="otp_by_phone"),
            models.Index(fields=["ip", "-created_at"], name="otp_by_ip"),
            models.Index(fields=["-created_at"], name="otp_age"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["phone"], condition=Q(used_at=None, voided_at=None), name="otp_one_open_per_phone"
            )
        ]

    def __str__(self) -> str:
        return f"code {self.id}"


class Session(models.Model):
    """A login: a family of refresh tokens of which only the newest is good. A spent one closes the family."""

    id = models.UUIDField(primary_key=True, db_default=Func(function="gen_random_uuid"), editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="sessions")
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(db_default=Now())
    refresh_jti = models.CharField(max_length=64)
    revoked_at = models.DateTimeField(null=True)
    revoked_reason = models.CharField(max_length=40, default="")
    ip = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=300, default="")

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="session_end")]

    def __str__(self) -> str:
        return f"session {self.id}"


class ApiKey(models.Model):
    """A program's bearer key. Only its SHA-256 is kept; keys are 256 random bits, so that is enough."""

    user = models.ForeignKey(User, models.CASCADE, related_name="api_keys")
    prefix = models.CharField(max_length=12)  # shown to people, so that a key can be told from another
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(db_default=Now())
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.prefix}…"


class IdempotencyKey(models.Model):
    """What a client's `Idempotency-Key` was answered, kept with the effect it names in one transaction."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    endpoint = models.CharField(max_length=80)
    key = models.CharField(max_length=255)
    request_hash = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    body = models.TextField(default="")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "endpoint", "key"], name="idempotency_key_once")]
        indexes = [models.Index(fields=["created_at"], name="idempotency_age")]

    def __str__(self) -> str:
        return f"{self.endpoint} {self.key}"
