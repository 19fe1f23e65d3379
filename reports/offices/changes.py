"""Who is in a department, and what it promises: changed by staff, with an entry in the trail."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from accounts.models import User
from audit.services import log_audit_event
from reports.models import Category, Department


class NoSuchPerson(ValueError):
    """There is no account of this name, or it is not in the department."""


@transaction.atomic
def add_member(*, department: Department, username: str) -> User:
    """From now on this person deals with the department's reports. Raises NoSuchPerson."""
    user = User.objects.filter(username=username, is_active=True).first()
    if user is None:
        raise NoSuchPerson(f"There is no account called {username}.")
    department.members.add(user)
    log_audit_event("department_member_added", "department", department.pk, {"user": user.pk})
    return user


@transaction.atomic
def remove_member(*, department: Department, username: str) -> User:
    """Raises NoSuchPerson."""
    user = department.members.filter(username=username).first()
    if user is None:
        raise NoSuchPerson(f"Nobody called {username} is in {department}.")
    department.members.remove(user)
    log_audit_event("department_member_removed", "department", department.pk, {"user": user.pk})
    return user


def change_department(*, department: Department, **changes: Any) -> None:
    """changes: some of name, email, triages."""
    _change(department, "department", changes)


def change_category(*, category: Category, **changes: Any) -> None:
    """changes: some of name, description, department, resolve_hours, is_active. Filed reports stay as they are."""
    _change(category, "category", changes, "changed_at")


@transaction.atomic
def _change(row: Any, kind: str, changes: dict[str, Any], *stamped: str) -> None:
    was = {name: getattr(row, name) for name in changes}
    changed = {name: value for name, value in changes.items() if was[name] != value}
    if not changed:
        return
    for name, value in changed.items():
        setattr(row, name, value)
    row.save(update_fields=[*changed, *stamped])
    told = {name: {"from": str(was[name]), "to": str(value)} for name, value in changed.items()}
    log_audit_event(f"{kind}_changed", kind, row.pk, told)
