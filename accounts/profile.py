"""What people may change about their own account."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from accounts import wording
from accounts.mail import send_mail
from accounts.models import User
from accounts.verification import void_verifications
from audit.services import log_audit_event

EDITABLE = {"first_name", "last_name", "email", "mail_notifications"}


@transaction.atomic
def change_profile(*, user: User, changes: dict[str, Any]) -> User:
    """Write what is new of EDITABLE fields. Another address is unverified, and a verified one is told of its end."""
    if not changes.keys() <= EDITABLE:
        raise ValueError(f"not to be changed: {sorted(changes.keys() - EDITABLE)}")
    was = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    new = {name: value for name, value in changes.items() if value != getattr(was, name)}
    if not new:
        return was
    User.objects.filter(pk=user.pk).update(**new)
    log_audit_event("profile_changed", "user", user.pk, {"fields": sorted(new)})
    if "email" in new:
        void_verifications(user)
        if was.email_verified_at:
            subject, body = wording.CHANGED_SUBJECT, wording.CHANGED
            send_mail(to=was.email, subject=subject, body=body, about=("user", str(user.pk)))
    return User.objects.get(pk=user.pk)
