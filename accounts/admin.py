"""Accounts in the console: change a role, lock, revoke. People are locked, never deleted, as the trail names them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts import services
from accounts.models import ApiKey, Session, User
from base.roles import Role

admin.site.unregister(Group)  # what groups may do is declared in code


def is_admin(request: HttpRequest) -> bool:
    user: Any = request.user
    return user.is_active and (user.is_superuser or user.role == Role.ADMIN)


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):
    form, add_form, change_password_form = UserChangeForm, UserCreationForm, AdminPasswordChangeForm
    list_display = ["username", "role", "phone", "reputation", "is_active", "is_staff", "last_login"]
    list_filter = ["role", "is_active", "is_staff"]
    search_fields = ["username", "phone", "email"]
    ordering = ["-id"]
    filter_horizontal = ()
    readonly_fields = ["reputation", "is_active", "is_staff", "is_superuser", "last_login", "date_joined"]
    fieldsets = [
        (None, {"fields": ["username", "password", "role"]}),
        ("Person", {"fields": ["first_name", "last_name", "email", "phone"]}),
        ("State", {"fields": readonly_fields}),
    ]
    add_fieldsets = [(None, {"fields": ["username", "usable_password", "password1", "password2", "role"]})]
    actions = ["revoke_sessions", "lock", "unlock"]

    # Whoever may change a user could become anybody, so that is for admins, and superusers are for superusers.
    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_admin(request)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        user: Any = request.user
        return is_admin(request) and (user.is_superuser or obj is None or not obj.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """A role is given by the service, which keeps group and console access in step."""
        role = obj.role
        obj.role = form.initial.get("role", Role.CLIENT) if change else Role.CLIENT
        super().save_model(request, obj, form, change)
        if role != obj.role or not change:
            services.assign_role(user=obj, role=role)

    @admin.action(description="Revoke sessions", permissions=["change"])
    def revoke_sessions(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        count = sum(
            services.revoke_sessions(user=user, reason="staff") for user in self._within_reach(request, queryset)
        )
        self.message_user(request, f"{count} sessions closed.")

    @admin.action(description="Lock", permissions=["change"])
    def lock(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        users = self._within_reach(request, queryset.exclude(username=request.user.get_username()))
        count = sum(services.lock_user(user=user, reason="console") for user in users)
        self.message_user(request, f"{count} users locked; nobody can lock themselves.")

    @admin.action(description="Unlock", permissions=["change"])
    def unlock(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        users = self._within_reach(request, queryset)
        count = sum(services.unlock_user(user=user, reason="console") for user in users)
        self.message_user(request, f"{count} users unlocked.")

    def _within_reach(self, request: HttpRequest, queryset: QuerySet[User]) -> list[User]:
        return [user for user in queryset if self.has_change_permission(request, user)]


class ReadOnly(ModelAdmin):
    """Rows that only services write."""

    actions: Any = ["revoke"]
    list_select_related = ["user"]
    search_fields = ["user__username"]
    ordering = ["-created_at"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return is_admin(request)

    def tell(self, request: HttpRequest, count: int) -> None:
        self.message_user(request, f"{count} revoked.", messages.SUCCESS if count else messages.WARNING)


@admin.register(Session)
class SessionAdmin(ReadOnly):
    list_display = ["id", "user", "created_at", "last_used_at", "expires_at", "revoked_at", "revoked_reason"]
    list_filter = ["revoked_reason"]
    fields = [*list_display, "ip", "user_agent"]

    @admin.action(description="Revoke", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Session]) -> None:
        self.tell(request, sum(services.revoke_session(session_id=row.pk, reason="staff") for row in queryset))


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnly):
    list_display = ["prefix", "user", "created_at", "last_used_at", "revoked_at"]
    fields = list_display

    @admin.action(description="Revoke", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        self.tell(request, sum(services.revoke_api_key(key_id=row.pk) for row in queryset))
