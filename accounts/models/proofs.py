"""What was sent to somebody so that they can show that a phone or an address is theirs."""

from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Lower, Now

from accounts.models.people import User


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


class EmailVerification(models.Model):
    """A link sent to an address of a user. Its token is kept nowhere: it is derived, as codes are, from this row."""

    id = models.UUIDField(primary_key=True, db_default=Func(function="gen_random_uuid"), editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    address = models.EmailField()
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    voided_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["user", "-created_at"], name="verification_by_user"),
            models.Index(Lower("address"), F("created_at").desc(), name="verification_by_address"),
            models.Index(fields=["-created_at"], name="verification_age"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["user"], condition=Q(used_at=None, voided_at=None), name="verification_one_open_per_user"
            )
        ]

    def __str__(self) -> str:
        return f"verification {self.id}"
