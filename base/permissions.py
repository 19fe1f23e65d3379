"""Who may call what. Every view names its roles; a view that names none is closed to all."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from base.roles import Role


class RolePermission(BasePermission):
    """Lets in the roles in the view's `roles` (an iterable, or a mapping from method); admins pass everywhere."""

    def has_permission(self, request: Request, view: Any) -> bool:
        user = request.user
        if not user or not user.is_authenticated:
            return False
        return user.is_superuser or user.role == Role.ADMIN or user.role in roles_of(view, request.method or "GET")


class Public(RolePermission):
    """Open to everyone; the view says so by naming it. Methods that its `roles` name are for those roles alone."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return is_open(view, request.method or "GET") or super().has_permission(request, view)


def is_open(view: Any, method: str) -> bool:
    """Whether a view answers a method without an account. `view`: the class or an object of it."""
    return Public in view.permission_classes and method not in getattr(view, "roles", {})


def roles_of(view: Any, method: str) -> frozenset[Role]:
    """The roles a view lets in for a method. `Role.ADMIN` always passes and is left out here."""
    roles: Any = getattr(view, "roles", ())
    if isinstance(roles, dict):
        roles = roles.get("GET" if method in {"HEAD", "OPTIONS"} else method, ())
    return frozenset(roles)
