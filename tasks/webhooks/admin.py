"""Webhooks in the console: who is told, what was sent and answered; disable, enable, test, send again."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from audit.panels import trail_panel
from base.admin import Button, Done, ReadOnlyAdmin, moment_column, page_of
from base.links import may_view, row_link
from base.panels import BAD, BUSY, GOOD, IDLE, Facts, Panel, Table, Text, ago, badge, code, nowrap, when
from tasks.models import Delivery, Task, Webhook
from tasks.webhooks import dispatch, endpoints

TONES = {
    Delivery.State.NEW: IDLE,
    Delivery.State.SENDING: BUSY,
    Delivery.State.DELIVERED: GOOD,
    Delivery.State.FAILED: BAD,
}
SHOWN = 20


def disable(row: Webhook, data: dict[str, Any]) -> Done:
    endpoints.disable(webhook=row, reason=data["reason"] or "Disabled by an operator.")
    return Done("The webhook is disabled; it is told nothing more.")


def enable(row: Webhook, data: dict[str, Any]) -> Done:
    endpoints.enable(webhook=row, reason=data["reason"])
    return Done("The webhook is told again of what ends from now on.")


def send_test(row: Webhook, data: dict[str, Any]) -> Done:
    return Done("A test message is on its way.", page_of(dispatch.send_test(webhook=row, reason=data["reason"])))


def resend(row: Delivery, data: dict[str, Any]) -> Done:
    return Done("The message is sent again.", page_of(dispatch.resend(delivery=row, reason=data["reason"])))


WEBHOOK_BUTTONS = [
    Button(
        name="test",
        title="Send a test",
        icon="send",
        permission="tasks.manage_webhook",
        question="A message of the type webhook.test is sent to the receiver.",
        press=send_test,
        refusals=(endpoints.WrongState,),
        offered=lambda row: row.disabled_at is None and row.deleted_at is None,
    ),
    Button(
        name="enable",
        title="Enable",
        icon="notifications_active",
        permission="tasks.manage_webhook",
        question="It is told of tasks that end from now on; what was missed can be sent again by hand.",
        press=enable,
        offered=lambda row: row.disabled_at is not None and row.deleted_at is None,
        many=True,
    ),
    Button(
        name="disable",
        title="Disable",
        icon="notifications_off",
        permission="tasks.manage_webhook",
        question="It is told nothing more, and messages that still wait for another attempt fail. "
        "Its owner cannot enable it again.",
        press=disable,
        offered=lambda row: row.disabled_at is None and row.deleted_at is None,
        many=True,
        danger=True,
    ),
]
DELIVERY_BUTTONS = [
    Button(
        name="resend",
        title="Send again",
        icon="replay",
        permission="tasks.resend_delivery",
        question="The same message is sent again under the same id; a receiver that has it already can tell.",
        press=resend,
        refusals=(endpoints.WrongState,),
        offered=lambda row: row.ended_at is not None and row.webhook.disabled_at is None,
        many=True,
    )
]


def state_of(row: Webhook) -> str:
    if row.deleted_at:
        return badge("deleted", IDLE)
    return badge("disabled", BAD) if row.disabled_at else badge("enabled", GOOD)


@admin.register(Webhook)
class WebhookAdmin(ReadOnlyAdmin):
    icon, entity_type, buttons = "webhook", "webhook", WEBHOOK_BUTTONS
    list_display = ["host", "state", "owner", "tells", moment_column("created_at", "Created")]
    list_select_related = ["owner"]
    search_fields = ["id"]
    search_help_text = "Id"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Webhook]:
        return super().get_queryset(request).defer("secret", "previous_secret")

    @display(description="Receiver", header=True)
    def host(self, row: Webhook) -> list[str]:
        return [endpoints.host_of(row.url), row.description]

    @display(description="State")
    def state(self, row: Webhook) -> str:
        return state_of(row)

    @display(description="Is told of")
    def tells(self, row: Webhook) -> str:
        return told_of(row)

    def panels(self, request: HttpRequest, row: Webhook) -> list[Panel]:
        return [
            deliveries_panel(request.user, row),
            Facts(
                title=endpoints.host_of(row.url),
                side=True,
                rows=[
                    ("State", state_of(row)),
                    ("Why", row.disabled_reason),
                    ("Disabled", when(row.disabled_at)),
                    ("Id", code(row.pk)),
                    ("Host", endpoints.host_of(row.url)),
                    ("Description", row.description),
                    ("Owner", row_link(request.user, type(row.owner), row.owner_id, row.owner)),
                    ("Is told of", told_of(row)),
                    ("In states", ", ".join(row.states)),
                    ("Created", when(row.created_at)),
                    ("Both secrets sign until", when(row.previous_until)),
                    ("Deleted", when(row.deleted_at)),
                ],
            ),
            *trail_panel(request.user, "webhook", row.pk),
        ]


def told_of(row: Webhook) -> str:
    if not row.standing:
        return "tasks that name it"
    whose = "all tasks" if row.sees_all else "its owner's tasks"
    return f"{whose}: {', '.join(row.task_names)}" if row.task_names else whose


def deliveries_panel(user: Any, row: Webhook) -> Table:
    rows = [
        (row_link(user, Delivery, d.pk, d.event), badge(d.state, TONES[Delivery.State(d.state)]),
         when(d.created_at), when(d.ended_at), d.error)
        for d in row.deliveries.defer("payload")[:SHOWN]
    ]  # fmt: skip
    headers = ["Message", "State", "Created", "Ended", "Error"]
    return Table(title="Newest messages", headers=headers, rows=rows, empty="None in the last 30 days.")


class StateFilter(admin.SimpleListFilter):
    title, parameter_name = "state", "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return Delivery.State.choices

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(state=value) if (value := self.value()) in Delivery.State.values else queryset


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    icon, entity_type, buttons = "outbox", "delivery", DELIVERY_BUTTONS
    list_display = ["message", "sent", "receiver", moment_column("created_at", "Created"), "error"]
    list_filter = [StateFilter]
    list_select_related = ["webhook"]
    search_fields = ["id", "task", "webhook", "message_id"]
    search_help_text = "Id of a delivery, task, webhook or message"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        secret = ("webhook__secret", "webhook__previous_secret")
        return super().get_queryset(request).select_related("webhook").defer("payload", *secret)

    @display(description="Message", header=True)
    def message(self, row: Delivery) -> list[str]:
        return [row.event, row.message_id]

    @display(description="State")
    def sent(self, row: Delivery) -> str:
        return badge(row.state, TONES[Delivery.State(row.state)])

    @display(description="Receiver")
    def receiver(self, row: Delivery) -> str:
        return endpoints.host_of(row.webhook.url)

    def panels(self, request: HttpRequest, row: Delivery) -> list[Panel]:
        user = request.user
        attempts = [
            (a.number, when(a.started_at), nowrap(f"{a.took_ms:,} ms"), a.status or "", a.error, code(a.excerpt))
            for a in row.attempts.all()
        ]
        sender = row.sender
        next_at = sender.run_after if sender and sender.is_live else None
        return [
            Table(
                title="Attempts",
                headers=["No.", "At", "Took", "Status", "Error", "Answer"],
                rows=attempts,
                empty="None yet.",
            ),
            *([Text(title="Message", text=row.payload)] if may_view(user, Task) else []),
            Facts(
                title=row.event,
                side=True,
                rows=[
                    ("State", badge(row.state, TONES[Delivery.State(row.state)])),
                    ("Error", row.error),
                    ("Webhook", row_link(user, Webhook, row.webhook_id, endpoints.host_of(row.webhook.url))),
                    ("Task", row.task_id and row_link(user, Task, row.task_id)),
                    ("Sent by", row.sender_id and row_link(user, Task, row.sender_id)),
                    ("Next attempt", when(next_at)),
                    ("Message id", code(row.message_id)),
                    ("Sent again", row.resent_of_id and row_link(user, Delivery, row.resent_of_id, "this message")),
                    ("Created", when(row.created_at)),
                    ("Ended", row.ended_at and nowrap(ago(row.ended_at))),
                ],
            ),
        ]
