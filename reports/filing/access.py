"""Who sees which reports, and who deals with them."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet
from django.http import Http404
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from base.permissions import Public
from base.roles import EVERYONE, Role
from reports.models import Report

RESIDENTS = EVERYONE - {Role.SERVICE}
HANDLERS = {Role.REVIEWER, Role.ADMIN}


class WithoutAccount(BasePermission):
    """An account, or what REPORTS_ANONYMOUS lets anybody do: `read` and `file`."""

    def has_permission(self, request: Request, view: Any) -> bool:
        wanted = "read" if request.method in ("GET", "HEAD", "OPTIONS") else "file"
        return bool(request.user and request.user.is_authenticated) or wanted in settings.REPORTS_ANONYMOUS


OPEN = [Public, WithoutAccount]


def somebody(request: Request) -> Any:
    """The account that asks, or None."""
    return request.user if request.user and request.user.is_authenticated else None


def handles_all(user: Any) -> bool:
    return user is not None and (user.is_superuser or user.role in HANDLERS)


def handles(user: Any, report: Report) -> bool:
    """Reviewers and admins deal with every report, members of a department with its own."""
    if user is None or handles_all(user):
        return user is not None
    return report.department_id is not None and user.departments.filter(pk=report.department_id).exists()


def visible(user: Any) -> QuerySet[Report]:
    """What was rejected is seen by who filed it and by those who deal with it; all else by everybody."""
    if handles_all(user):
        return Report.objects.all()
    shown = ~Q(status=Report.Status.REJECTED)
    if user is not None:
        shown |= Q(reporter=user) | Q(department__in=user.departments.values("pk"))
    return Report.objects.filter(shown)


def find_visible(user: Any, report_id: int) -> Report:
    """Raises Http404 for what is not there or not to be seen."""
    found = visible(user).filter(pk=report_id).first()
    if found is None:
        raise Http404
    return found
