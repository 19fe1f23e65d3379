"""People and programs, and what they log in with."""

from typing import Any, ClassVar

import pgtrigger
from django.contrib.auth.models import AbstractUser
from django.contrib.auth.models import UserManager as DjangoUserManager
from django.db import models
from django.db.models import Func, Q
from django.db.models.functions import Lower, Now
from django.utils.crypto import salted_hmac

from base.roles import Role

CONSOLE = "accounts.models.User.console"
COUNTED = {"reputation", "email_verified_at", "console_epoch", "deleted_at", "left_digest"}  # changed by services alone
UNVERIFY = """
NEW.email_verified_at = NULL;
RETURN NEW;
"""


class UserManager(DjangoUserManager):
    def create_superuser(self, username: str, *args: Any, **fields: Any) -> Any:
        return super().create_superuser(username, *args, **{"role": Role.ADMIN, **fields})


class User(AbstractUser):
    """A person (one-time code by phone; password for the console) or a program (API key).

    `role` decides what the API allows; the group of the same name carries the console permissions and is kept
    in step by `services.assign_role`.
    """

    phone = models.CharField(max_length=16, null=True, blank=True, unique=True)
    email_verified_at = models.DateTimeField(null=True, editable=False)  # gone when the address changes
    mail_notifications = models.BooleanField(default=True, db_default=True)  # mail that nobody asked for
    reputation = models.IntegerField(default=0, db_default=0, editable=False)  # the sum of its ReputationChanges
    console_epoch = models.IntegerField(default=0, db_default=0, editable=False)  # raised to end logins in the console
    deleted_at = models.DateTimeField(null=True, editable=False)  # by its owner: empty, and never unlocked
    # A keyed hash of the phone of who deleted their account with a bad reputation: they come back with it.
    left_digest = models.CharField(max_length=64, null=True, editable=False)  # noqa: DJ001 - NULL: nothing is owed
    role = models.CharField(max_length=10, choices=[(role, role.title()) for role in Role], default=Role.CLIENT)

    objects: ClassVar[UserManager] = UserManager()

    class Meta(AbstractUser.Meta):
        constraints = [
            models.CheckConstraint(condition=Q(role__in=list(Role)), name="user_role_known"),
            models.CheckConstraint(
                condition=Q(deleted_at=None) | Q(is_active=False, phone=None, email=""), name="user_deleted_is_empty"
            ),
            models.CheckConstraint(
                condition=Q(phone=None) | Q(phone__regex=r"^\+[1-9][0-9]{4,14}$"),
                name="user_phone_e164",
                violation_error_message="The phone must be in international form, such as +4930901820.",
            ),
            models.UniqueConstraint(
                Lower("email"), condition=Q(email_verified_at__isnull=False), name="user_verified_email_once"
            ),
        ]
        indexes = [
            models.Index(Lower("email"), name="user_by_email"),
            models.Index(fields=["left_digest"], condition=Q(left_digest__isnull=False), name="user_by_left_digest"),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="another_address",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("email"),
                condition=pgtrigger.Q(old__email__df=pgtrigger.F("new__email")),
                func=UNVERIFY,
            )
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

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """What a login in the console is bound to: the password, as in Django, and the epoch."""
        return salted_hmac(CONSOLE, f"{self.password}{self.console_epoch}", secret, algorithm="sha256").hexdigest()


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
