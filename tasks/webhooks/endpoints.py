"""What people may do to webhooks. Each leaves an audit entry, in which neither the URL nor a secret stands."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from urllib3.util import parse_url

from audit.services import log_audit_event
from base import context
from base.roles import Role
from tasks.models import Webhook
from tasks.webhooks import addresses
from tasks.webhooks.messages import new_secret

MOST_PER_OWNER = 20
ROTATION = timedelta(hours=24)
SEE_ALL = frozenset({Role.OPERATOR, Role.ADMIN})
CHANGEABLE = ("url", "description", "standing", "task_names", "states")


class TooMany(Exception):
    """The owner has as many webhooks as one may have."""


class WrongState(Exception):
    """The webhook is not in a state that allows this; the message says why."""


def sees_all(user: Any) -> bool:
    return user.is_superuser or user.role in SEE_ALL


def visible(user: Any) -> QuerySet[Webhook]:
    """The webhooks a user may see and change; another's look the same as none."""
    rows = Webhook.objects.filter(deleted_at=None)
    return rows if sees_all(user) else rows.filter(owner=user)


def accepted_url(url: str) -> str:
    """The URL in the form in which it is requested. Raises BadAddress, Unresolved. Asks the name service."""
    target = addresses.parse(url)
    addresses.check(target)
    return target.url


@transaction.atomic
def create(*, owner: Any, url: str, **fields: Any) -> Webhook:
    """Add a webhook with a new secret. `url` is an accepted one. Raises TooMany."""
    # Locks the owner against a second creation, but not against work that only refers to them.
    get_user_model().objects.select_for_update(no_key=True).get(pk=owner.pk)
    if Webhook.objects.filter(owner=owner, deleted_at=None).count() >= MOST_PER_OWNER:
        raise TooMany(f"There may be at most {MOST_PER_OWNER} webhooks of one owner.")
    row = Webhook.objects.create(owner=owner, url=url, secret=new_secret(), sees_all=sees_all(owner), **fields)
    row.refresh_from_db()
    _note("webhook_created", row, host=host_of(url), sees_all=row.sees_all, standing=row.standing)
    return row


@transaction.atomic
def change(*, webhook: Webhook, **fields: Any) -> Webhook:
    """Change what it is told of, or where. `url` is an accepted one."""
    row = _locked(webhook)
    changed = {name: value for name, value in fields.items() if name in CHANGEABLE and getattr(row, name) != value}
    if changed:
        row = _update(row, **changed)
        noted = {name: value for name, value in changed.items() if name not in ("url", "description")}
        if "url" in changed:
            noted["host"] = host_of(row.url)
        _note("webhook_changed", row, changed=sorted(changed), **noted)
    return row


@transaction.atomic
def rotate_secret(*, webhook: Webhook, reason: str = "") -> Webhook:
    """Sign with a new secret, and for a day with the one before too, so that the receiver can change over."""
    row = _locked(webhook)
    until = timezone.now() + ROTATION
    row = _update(row, secret=new_secret(), previous_secret=row.secret, previous_until=until)
    _note("webhook_secret_rotated", row, reason=reason)
    return row


@transaction.atomic
def disable(*, webhook: Webhook, reason: str) -> Webhook:
    """Tell it nothing more; what waits fails. A second time changes nothing."""
    row = _locked(webhook)
    if row.disabled_at is None:
        # Only a request's user is somebody who may later say otherwise; a task acts for whom it was made.
        now = context.current()
        by = now.user_id if now.actor.startswith("user:") else None
        row = _update(row, disabled_at=timezone.now(), disabled_by_id=by, disabled_reason=reason[:300])
        _note("webhook_disabled", row, reason=reason)
    return row


@transaction.atomic
def enable(*, webhook: Webhook, user: Any = None, reason: str = "") -> Webhook:
    """Tell it again. Raises WrongState when somebody else disabled it and `user`, if given, is no operator."""
    row = _locked(webhook)
    if row.disabled_at is None:
        return row
    if user is not None and not sees_all(user) and row.disabled_by_id not in (None, user.pk):
        raise WrongState("It was disabled by an operator, and only an operator can enable it.")
    row = _update(row, disabled_at=None, disabled_by_id=None, disabled_reason="")
    _note("webhook_enabled", row, reason=reason)
    return row


@transaction.atomic
def delete(*, webhook: Webhook) -> None:
    """Take it away and forget its secrets; the log of its deliveries stays as long as others do."""
    row = _update(_locked(webhook), deleted_at=timezone.now(), secret="", previous_secret="", previous_until=None)
    _note("webhook_deleted", row)


def _locked(webhook: Webhook) -> Webhook:
    return Webhook.objects.select_for_update(no_key=True).get(pk=webhook.pk)


def _update(row: Webhook, **values: Any) -> Webhook:
    Webhook.objects.filter(pk=row.pk).update(**values)
    row.refresh_from_db()
    return row


def _note(action: str, row: Webhook, **metadata: Any) -> None:
    log_audit_event(action, "webhook", row.pk, {"owner": row.owner_id, **metadata})


def host_of(url: str) -> str:
    """What may be shown of a URL: its path and query may be keys."""
    return parse_url(url).host or ""
