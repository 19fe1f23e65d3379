"""Which rows of departments a member of staff sees."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from base.roles import Role


def theirs(user: Any, field: str = "department") -> Q:
    """Rows whose department this person looks after. Only reviewers are bound, and only to departments they are in.

    What has no department yet is seen by members of a department that triages.
    """
    if user.is_superuser or user.role != Role.REVIEWER:
        return Q()
    departments = list(user.departments.order_by())
    if not departments:
        return Q()
    seen = Q(**{f"{field}__in": [one.pk for one in departments]})
    return seen | Q(**{field: None}) if any(one.triages for one in departments) else seen
