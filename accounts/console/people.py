"""Accounts: change a role, lock, unlock, log out. People are locked, never deleted, as the trail names them."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import Q
from django.db.models.functions import Lower
from django.db.models.lookups import Exact
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts import people, services
from accounts.models import LoginStatistics, User
from accounts.rules import device_of
from accounts.sessions import open_sessions
from audit.panels import trail_panel
from audit.services import log_audit_event
from base import context
from base.admin import Button, Done, ReadOnlyAdmin, ReasonRequiredForm, exactly
from base.links import row_link
from base.panels import BAD, GOOD, IDLE, Facts, Panel, Table, anchor, badge, when
from base.roles import Role

admin.site.unregister(Group)  # what groups may do is declared in code
SHOWN = 20


def presser() -> User:
    return User.objects.get(pk=context.current().user_id)


def lock(row: User, data: dict[str, Any]) -> Done:
    changed = services.lock_user(user=row, reason=data["reason"], by=presser())
    return Done("Locked: nothing of theirs works from now on." if changed else "They were locked already.")


def unlock(row: User, data: dict[str, Any]) -> Done:
    changed = services.unlock_user(user=row, reason=data["reason"], by=presser())
    return Done("Unlocked: they can log in, and their keys work again." if changed else "They were not locked.")


def log_out(row: User, data: dict[str, Any]) -> Done:
    people.check_reach(row, presser(), oneself=True)
    closed = services.revoke_sessions(user=row, reason="staff", why=data["reason"])
    return Done(f"{closed} sessions closed, and their logins in the console ended.")


BUTTONS = [
    Button(
        name="lock", title="Lock", icon="lock", permission="accounts.change_user", press=lock,
        question="Tokens, keys and logins in the console stop working at once.", form=ReasonRequiredForm,
        refusals=(services.OutOfReach,), offered=lambda row: row.is_active, many=True, danger=True,
    ),
    Button(
        name="unlock", title="Unlock", icon="lock_open", permission="accounts.change_user", press=unlock,
        question="They can log in again. Sessions stay closed, keys work again.", form=ReasonRequiredForm,
        refusals=(services.OutOfReach,), offered=lambda row: not row.is_active and not row.deleted_at, many=True,
    ),
    Button(
        name="log_out", title="Log out everywhere", icon="logout", permission="accounts.change_user", press=log_out,
        question="All sessions and all logins in the console end at once; keys go on working.",
        form=ReasonRequiredForm, refusals=(services.OutOfReach,), many=True,
    ),
]  # fmt: skip


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ReadOnlyAdmin):  # type: ignore[misc]
    icon, entity_type, buttons = "person", "user", BUTTONS
    form, add_form, change_password_form = UserChangeForm, UserCreationForm, AdminPasswordChangeForm
    change_form_template = "accounts/person.html"
    list_display = ["username", "role", "phone", "reputation", "state", "is_staff", "last_login"]
    list_filter = ["role", "is_active", "is_staff"]
    search_fields = ["username", "phone", "email"]  # type: ignore[misc]
    search_help_text = "Exact user name, phone or address"
    ordering = ["-id"]
    filter_horizontal = ()
    readonly_fields = ["last_login", "date_joined"]
    fieldsets = [
        (None, {"fields": ["username", "password", "role"]}),
        ("Person", {"fields": ["first_name", "last_name", "email", "mail_notifications", "phone"]}),
        ("Times", {"fields": ["last_login", "date_joined"]}),
    ]
    add_fieldsets = [(None, {"fields": ["username", "usable_password", "password1", "password2", "role"]})]

    # Whoever may change a user could become anybody, so that is for admins, and superusers are for superusers.
    def has_add_permission(self, request: HttpRequest) -> bool:
        user: Any = request.user
        return user.is_active and (user.is_superuser or user.role == Role.ADMIN)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        user: Any = request.user
        return self.has_add_permission(request) and (user.is_superuser or obj is None or not obj.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """A role is given by the service, which keeps group and console access in step."""
        role = obj.role
        obj.role = form.initial.get("role", Role.CLIENT) if change else Role.CLIENT
        super().save_model(request, obj, form, change)
        if role != obj.role or not change:
            services.assign_role(user=obj, role=role)

    def log_change(self, request: HttpRequest, obj: User, message: Any) -> Any:
        """In the trail too: which fields, never their values. Django calls this for forms and passwords alike."""
        log_audit_event("user_changed", "user", obj.pk, {"what": json.loads(json.dumps(message, default=str))})
        return super().log_change(request, obj, message)

    def find(self, term: str) -> Q:
        own = (exactly(User, term, field) for field in ("username", "phone"))
        return self.first_of(*own, Q(Exact(Lower("email"), term.lower())))

    @display(description="State")
    def state(self, row: User) -> str:
        return state_badge(row)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The form, and below it what is known; a new user has neither panels nor buttons."""
        row = self._row(request, object_id)
        shown: dict[str, Any] = {}
        if row is not None:
            buttons = [self._shown(button, row) for button in self._may_press(request) if button.offered(row)]
            shown = {"panels": self.panels(request, row), "buttons": buttons}
        return ModelAdmin.changeform_view(self, request, object_id, form_url, {**(extra_context or {}), **shown})

    def panels(self, request: HttpRequest, row: User) -> list[Panel]:
        return [
            account_panel(row),
            sessions_panel(request.user, row),
            reputation_panel(row),
            days_panel(row),
            *trail_panel(request.user, "user", row.pk),
        ]


def state_badge(row: User) -> str:
    if row.deleted_at:
        return badge("deleted", IDLE)
    return badge("active", GOOD) if row.is_active else badge("locked", BAD)


def account_panel(row: User) -> Facts:
    counted = LoginStatistics.objects.filter(user=row).first()
    return Facts(
        title="Account",
        rows=[
            ("State", state_badge(row)),
            ("Console", "yes, as superuser" if row.is_superuser else "yes" if row.is_staff else "no"),
            ("Address verified", when(row.email_verified_at)),
            ("Reputation", str(row.reputation)),
            ("Logins", counted and f"{counted.logins:,}"),
            ("Last login", counted and when(counted.last_at)),
            ("By", counted and counted.last_method),
            ("From", counted and counted.last_ip),
        ],
    )


def sessions_panel(user: Any, row: User) -> Table:
    """Open sessions, each with the way to close it."""
    rows = [
        (
            row_link(user, type(session), session.pk, device_of(session.user_agent)),
            session.ip or "",
            when(session.created_at),
            when(session.last_used_at),
            anchor(reverse("admin:accounts_session_revoke", args=[session.pk]), "Revoke"),
        )
        for session in open_sessions(row)[:SHOWN]
    ]
    return Table(title="Open sessions", headers=["Device", "Address", "Opened", "Renewed", ""], rows=rows)


def reputation_panel(row: User) -> Table:
    changes = [
        (when(change.at), change.rule, f"{change.points:+d}", f"{change.subject_type}:{change.subject_id}")
        for change in row.reputation_changes.all()[:SHOWN]
    ]
    return Table(title="Reputation", headers=["At", "Rule", "Points", "About"], rows=changes)


def days_panel(row: User) -> Table:
    days = [(day.day, day.logins, day.failed_looks) for day in row.login_days.all()[:SHOWN]]
    return Table(title="Logins by day", headers=["Day (UTC)", "Logins", "Wrong codes"], rows=days)
