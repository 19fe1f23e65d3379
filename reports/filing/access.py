"""Who sees which reports, and who deals with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet
from django.http import Http404
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from base.permissions import Public
from base.roles import EVERYONE, Role
from reports.models import Department, Report

RESIDENTS = EVERYONE - {Role.SERVICE}


class WithoutAccount(BasePermission):
    """An account, or what REPORTS_ANONYMOUS lets anybody do: `read` and `file`."""

    def has_permission(self, request: Request, view: Any) -> bool:
        wanted = "read" if request.method in ("GET", "HEAD", "OPTIONS") else "file"
        return bool(request.user and request.user.is_authenticated) or wanted in settings.REPORTS_ANONYMOUS


OPEN = [Public, WithoutAccount]


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks. user: None without an account. all: deals with every report. departments: whose reports else.

    triages: and with those that have no department yet.
    """

    user: Any
    all: bool = False
    departments: frozenset[str] = frozenset()
    triages: bool = False

    def owns(self, report: Report) -> bool:
        return self.user is not None and report.reporter_id == self.user.pk

    def handles(self, report: Report) -> bool:
        if report.department_id is None:
            return self.all or self.triages
        return self.all or report.department_id in self.departments

    def reports(self) -> QuerySet[Report]:
        """What was rejected is seen by who filed it and by those who deal with it; all else by everybody."""
        if self.all:
            return Report.objects.all()
        shown = ~Q(status=Report.Status.REJECTED)
        if self.user is not None:
            shown |= Q(reporter=self.user)
        if self.departments:
            shown |= Q(department__in=self.departments)
        if self.triages:
            shown |= Q(department=None)
        return Report.objects.filter(shown)

    def find(self, report_id: int) -> Report:
        """Raises Http404 for what is not there or not to be seen."""
        found = self.reports().filter(pk=report_id).first()
        if found is None:
            raise Http404
        return found


def somebody(request: Request) -> Any:
    """The account that asks, or None."""
    return request.user if request.user and request.user.is_authenticated else None


def viewer_of(request: Request) -> Viewer:
    """Admins deal with every report, reviewers with those of their departments or with all if they are in none.

    Whoever else is a member of a department deals with its reports.
    """
    user = somebody(request)
    if user is None:
        return Viewer(None)
    if user.is_superuser or user.role == Role.ADMIN:
        return Viewer(user, all=True)
    mine = dict(Department.objects.filter(members=user).values_list("code", "triages"))
    reviews = user.role == Role.REVIEWER
    return Viewer(user, reviews and not mine, frozenset(mine), triages=reviews and any(mine.values()))
