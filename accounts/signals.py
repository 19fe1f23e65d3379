"""The console's password logins in the audit trail, and counted."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db import transaction

from accounts import tasks
from audit.models import Entry
from audit.services import log_audit_event


def connect() -> None:
    user_logged_in.connect(note_login, dispatch_uid="audit_login")
    user_logged_out.connect(note_logout, dispatch_uid="audit_logout")
    user_login_failed.connect(note_failure, dispatch_uid="audit_login_failed")


def note_login(*, user: Any, **kwargs: Any) -> None:
    with transaction.atomic():
        entry = log_audit_event("login", "user", user.pk, {"method": "password"}, actor=f"user:{user.pk}")
        if entry.ip:  # over the network, not by a command
            tasks.count_login.using(subject=("user", str(user.pk))).enqueue(entry_id=entry.pk)


def note_logout(*, user: Any, **kwargs: Any) -> None:
    if user is not None:
        log_audit_event("logout", "user", user.pk, {"method": "password"}, actor=f"user:{user.pk}")


def note_failure(*, credentials: dict[str, Any], **kwargs: Any) -> None:
    name = str(credentials.get("username", "")).replace("\x00", "")[:100]
    log_audit_event("login_failed", "username", name, {"method": "password"}, status=Entry.Status.FAILURE)
