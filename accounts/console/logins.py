"""How people and programs come in: sessions, keys, and how many a day."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Sum
from django.http import HttpRequest
from django.utils import timezone
from unfold.decorators import display

from accounts import services
from accounts.models import ApiKey, LoginDay, Session
from accounts.rules import device_of
from audit.panels import trail_panel
from base.admin import BoardAdmin, Button, Done, ReadOnlyAdmin, ReasonRequiredForm, moment_column
from base.links import row_link
from base.panels import BAD, GOOD, IDLE, Chart, Facts, Number, Panel, Series, badge, when

DAYS = 30


class Revoked(Exception):
    """Of a session or key that was closed already."""


def revoke_session(row: Session, data: dict[str, Any]) -> Done:
    if not services.revoke_session(session_id=row.pk, reason="staff", why=data["reason"]):
        raise Revoked("It was closed already.")
    return Done("The session is closed; its tokens do not work any more.")


def revoke_key(row: ApiKey, data: dict[str, Any]) -> Done:
    if not services.revoke_api_key(key_id=row.pk, why=data["reason"]):
        raise Revoked("It was revoked already.")
    return Done("The key does not work any more.")


def revoke_button(permission: str, question: str, press: Any) -> Button:
    return Button(
        name="revoke", title="Revoke", icon="block", permission=permission, question=question, press=press,
        form=ReasonRequiredForm, refusals=(Revoked,), offered=lambda row: row.revoked_at is None,
        many=True, danger=True,
    )  # fmt: skip


@admin.register(Session)
class SessionAdmin(ReadOnlyAdmin):
    icon, entity_type = "devices", "session"
    list_display = ["user", "device", "state", moment_column("created_at", "Opened"),
                    moment_column("last_used_at", "Renewed")]  # fmt: skip
    list_select_related = ["user"]
    ordering = ["-created_at"]
    search_fields = ["id", "user"]
    search_help_text = "Exact id of the session or of the user"
    buttons = [revoke_button("accounts.change_session", "Its tokens stop working at once.", revoke_session)]

    @display(description="Device")
    def device(self, row: Session) -> str:
        return device_of(row.user_agent)

    @display(description="State")
    def state(self, row: Session) -> str:
        if row.revoked_at:
            return badge(row.revoked_reason, BAD)
        return badge("open", GOOD) if row.expires_at > timezone.now() else badge("ended", IDLE)

    def panels(self, request: HttpRequest, row: Session) -> list[Panel]:
        facts = [
            ("User", row_link(request.user, type(row.user), row.user_id, row.user)),
            ("State", self.state(row)),
            ("Device", device_of(row.user_agent)),
            ("Agent", row.user_agent),
            ("Address", row.ip),
            ("Opened", when(row.created_at)),
            ("Renewed", when(row.last_used_at)),
            ("Ends", when(row.expires_at)),
            ("Closed", when(row.revoked_at)),
        ]
        return [Facts(title="Session", rows=facts), *trail_panel(request.user, "session", row.pk)]


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    icon, entity_type = "key", "api_key"
    list_display = ["prefix", "user", "state", moment_column("created_at", "Made"),
                    moment_column("last_used_at", "Used")]  # fmt: skip
    list_select_related = ["user"]
    ordering = ["-created_at"]
    search_fields = ["user"]
    search_help_text = "Exact id of the user"
    buttons = [revoke_button("accounts.change_apikey", "It stops working at once.", revoke_key)]

    @display(description="State")
    def state(self, row: ApiKey) -> str:
        return badge("revoked", BAD) if row.revoked_at else badge("works", GOOD)

    def panels(self, request: HttpRequest, row: ApiKey) -> list[Panel]:
        facts = [
            ("User", row_link(request.user, type(row.user), row.user_id, row.user)),
            ("State", self.state(row)),
            ("Made", when(row.created_at)),
            ("Used", when(row.last_used_at)),
            ("Revoked", when(row.revoked_at)),
        ]
        return [Facts(title=str(row), rows=facts), *trail_panel(request.user, "api_key", row.pk)]


@admin.register(LoginDay)
class LoginDayAdmin(BoardAdmin):
    icon = "login"

    def board(self, request: HttpRequest) -> list[Panel]:
        today = timezone.now().date()
        days = [today - timedelta(days=number) for number in range(DAYS - 1, -1, -1)]
        sums = LoginDay.objects.filter(day__gte=days[0]).order_by("day").values_list("day")
        counted = {day: counts for day, *counts in sums.annotate(Sum("logins"), Sum("failed_looks"))}
        logins, looks = zip(*(counted.get(day, (0, 0)) for day in days), strict=True)
        return [
            Number(title="Logins today", value=f"{logins[-1]:,}", note=f"{sum(logins):,} in {DAYS} days"),
            Number(title="Wrong codes today", value=f"{looks[-1]:,}", note=f"{sum(looks):,} in {DAYS} days"),
            Chart(
                title=f"Logins and wrong codes, last {DAYS} days (UTC)",
                labels=[f"{day:%d %b}" for day in days],
                series=[
                    Series(label="Logins", values=logins, tone=GOOD),
                    Series(label="Wrong codes", values=looks, tone=BAD),
                ],
                width=12,
            ),
        ]
