"""Roles, keys and blocks of people and programs."""

from __future__ import annotations

import hashlib
import secrets

from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models.functions import Now
from rest_framework.exceptions import APIException

from accounts.models import ApiKey, User
from accounts.sessions import close_sessions, revoke_sessions
from audit.services import log_audit_event
from base.roles import STAFF, Role

KEY_PREFIX = "mlr_"


@transaction.atomic
def assign_role(*, user: User, role: Role | str) -> User:
    """Give a role, its console group and, for staff roles, access to the console. Raises ValueError for no role.

    Who becomes staff has shown a phone alone so far, so their sessions end.
    """
    role = Role(role)
    user_now = User.objects.select_for_update().get(pk=user.pk)
    was = user_now.role
    group, _ = Group.objects.get_or_create(name=role.value)
    user_now.groups.remove(*Group.objects.filter(name__in=[other.value for other in Role]).exclude(pk=group.pk))
    user_now.groups.add(group)
    is_staff = role in STAFF or user_now.is_superuser
    User.objects.filter(pk=user.pk).update(role=role, is_staff=is_staff)
    if role in STAFF and was not in STAFF:
        close_sessions(user_now, "role_assigned")
    user.role, user.is_staff = role, is_staff
    log_audit_event("role_assigned", "user", user.pk, {"role": role.value, "was": was})
    return user


@transaction.atomic
def issue_api_key(*, username: str, role: Role | str) -> str:
    """Make a bearer key and, if need be, the program it is for; its role becomes `role`.

    Returns the key, which is shown this once. Raises ValueError for no role, ValidationError for no username.
    """
    role = Role(role)
    user = User.objects.filter(username=username).first()
    if user is None:
        user = User(username=username)
        user.set_unusable_password()
        user.clean_fields(exclude=["password"])
        user.save()
        assign_role(user=user, role=role)
    elif user.role != role:
        assign_role(user=user, role=role)
    key = KEY_PREFIX + secrets.token_urlsafe(32)
    row = ApiKey.objects.create(user=user, prefix=key[:12], digest=digest(key))
    log_audit_event("api_key_issued", "api_key", row.pk, {"user": user.pk, "role": role.value})
    return key


@transaction.atomic
def revoke_api_key(*, key_id: int, why: str = "") -> bool:
    """Stop a key from working at once. False: it was revoked already."""
    changed = ApiKey.objects.filter(pk=key_id, revoked_at=None).update(revoked_at=Now())
    if changed:
        log_audit_event("api_key_revoked", "api_key", key_id, {"why": why} if why else None)
    return bool(changed)


class OutOfReach(APIException):
    """Nobody locks themselves, and superusers are for superusers."""

    status_code = 409
    default_detail = "This account is not yours to lock or unlock."


@transaction.atomic
def lock_user(*, user: User, reason: str, by: User | None = None) -> bool:
    """Shut a user out at once, sessions, keys and console alike. False: was locked already.

    by: who wants it; None for the product itself. Raises OutOfReach.
    """
    check_reach(user, by)
    changed = User.objects.filter(pk=user.pk, is_active=True).update(is_active=False)
    if changed:
        log_audit_event("user_locked", "user", user.pk, {"reason": reason})
        revoke_sessions(user=user, reason="user_locked")
    return bool(changed)


@transaction.atomic
def unlock_user(*, user: User, reason: str, by: User | None = None) -> bool:
    """Let a user in again; sessions stay closed, keys work again. False: was not locked. Raises OutOfReach."""
    check_reach(user, by)
    if User.objects.filter(pk=user.pk, deleted_at__isnull=False).exists():
        raise OutOfReach("Its owner has deleted this account; they may make a new one.")
    changed = User.objects.filter(pk=user.pk, is_active=False).update(is_active=True)
    if changed:
        log_audit_event("user_unlocked", "user", user.pk, {"reason": reason})
    return bool(changed)


def check_reach(user: User, by: User | None, *, oneself: bool = False) -> None:
    """Raise OutOfReach when somebody may not do this to a user. oneself: they may do it to themselves."""
    if by is not None and ((by.pk == user.pk and not oneself) or (user.is_superuser and not by.is_superuser)):
        raise OutOfReach


def digest(key: str) -> str:
    """SHA-256 of a key, hexadecimal. Unsalted and fast, because keys are random: there is nothing to guess."""
    return hashlib.sha256(key.encode()).hexdigest()
