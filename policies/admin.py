"""Insurance in the console: quotes, policies and payments, each beside what is known of it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.decorators import display

from audit.panels import trail_panel
from base.admin import ReadOnlyAdmin, moment_column, page_of
from base.links import may_view, row_link
from base.panels import BAD, GOOD, IDLE, Facts, Panel, Table, badge, code, lasting, when
from features.models import FeatureSetVersion, FeatureValue
from policies.models import PaymentTransaction, Policy, Quote

SHOWN = 50
TONES = {PaymentTransaction.Status.SUCCEEDED: GOOD, PaymentTransaction.Status.FAILED: BAD}


def features_panels(user: Any, entity_type: str, entity_id: object) -> list[Panel]:
    """The stored features of an entity, a table for each set; nothing for somebody who may not see values."""
    if not may_view(user, FeatureValue):
        return []
    sets = list(FeatureSetVersion.objects.filter(entity_type=entity_type))
    values = FeatureValue.objects.filter(feature_set__in=sets, entity_id=str(entity_id)).select_related("feature_set")
    return [
        Table(
            title=f"{stored.feature_set} of the {entity_type.replace('_', ' ')}, as of {stored.as_of:%Y-%m-%d %H:%M}",
            href=page_of(stored),
            headers=["Feature", "Value"],
            rows=[(code(name), "none" if value is None else value) for name, value in stored.vals.items()],
        )
        for stored in values.order_by("feature_set__name", "feature_set__version")
    ]


def payments_panel(user: Any, policy: Policy) -> Table:
    rows = [
        (row_link(user, PaymentTransaction, p.pk, p), when(p.attempted_at), f"{p.amount_usd:,.2f}", p.payment_type,
         status_badge(p), p.failure_reason)
        for p in policy.payments.order_by("-attempted_at")[:SHOWN]
    ]  # fmt: skip
    headers = ["Payment", "Tried at", "USD", "Type", "Status", "Reason"]
    return Table(title=f"Payments, the last {SHOWN} at most", headers=headers, rows=rows)


def status_badge(payment: PaymentTransaction) -> str:
    return badge(payment.status, TONES[PaymentTransaction.Status(payment.status)])


def user_link(user: Any, row: Quote | Policy) -> str:
    return row_link(user, type(row.user), row.user_id, row.user)


@admin.register(Quote)
class QuoteAdmin(ReadOnlyAdmin):
    icon, entity_type = "request_quote", "quote"
    list_display = [
        "quoted",
        "state",
        "user",
        moment_column("created_at", "Created"),
        moment_column("bound_at", "Bound"),
    ]
    list_filter = ["product"]
    list_select_related = ["user"]
    search_fields = ["id", "external_id", "user"]
    search_help_text = "Exact number, external id or number of the user"

    @display(description="Quote", header=True)
    def quoted(self, row: Quote) -> list[str]:
        return [f"{row.product}, {row.premium_usd:,.2f} USD a year", f"{row.pk} · {row.external_id}"]

    @display(description="State")
    def state(self, row: Quote) -> str:
        return badge("bound", GOOD) if row.bound_at else badge("open", IDLE)

    def panels(self, request: HttpRequest, row: Quote) -> list[Panel]:
        user = request.user
        policy = Policy.objects.filter(quote=row).first()
        return [
            *features_panels(user, "quote", row.pk),
            *features_panels(user, "user", row.user_id),
            *trail_panel(user, "quote", row.pk),
            Facts(
                title=str(row).capitalize(),
                side=True,
                rows=[
                    ("State", self.state(row)),
                    ("User", user_link(user, row)),
                    ("Product", row.product),
                    ("Premium", f"{row.premium_usd:,.2f} USD a year"),
                    ("Instalments", row.get_instalments_display()),
                    ("Created", when(row.created_at)),
                    ("Recorded", when(row.recorded_at)),
                    ("Bound", when(row.bound_at)),
                    ("Binding recorded", when(row.binding_recorded_at)),
                    ("Took", row.bound_at and lasting(row.bound_at - row.created_at)),
                    ("Policy", policy and row_link(user, Policy, policy.pk, policy)),
                    ("External id", code(row.external_id)),
                ],
            ),
        ]


@admin.register(Policy)
class PolicyAdmin(ReadOnlyAdmin):
    icon, entity_type = "policy", "policy"
    list_display = ["policy", "user", "starts_date", "ends_date", moment_column("recorded_at", "Recorded")]
    list_select_related = ["user", "quote"]
    search_fields = ["id", "external_id", "quote", "user"]
    search_help_text = "Exact number, external id, number of the quote or of the user"

    @display(description="Policy", header=True)
    def policy(self, row: Policy) -> list[str]:
        return [f"{row.quote.product}, {row.quote.premium_usd:,.2f} USD a year", f"{row.pk} · {row.external_id}"]

    def panels(self, request: HttpRequest, row: Policy) -> list[Panel]:
        user = request.user
        return [
            payments_panel(user, row),
            *features_panels(user, "user", row.user_id),
            Facts(
                title=str(row).capitalize(),
                side=True,
                rows=[
                    ("User", user_link(user, row)),
                    ("Quote", row_link(user, Quote, row.quote_id, row.quote)),
                    ("Premium", f"{row.quote.premium_usd:,.2f} USD a year"),
                    ("Instalments", row.quote.get_instalments_display()),
                    ("First day", row.starts_date),
                    ("Last day", row.ends_date),
                    ("Recorded", when(row.recorded_at)),
                    ("External id", code(row.external_id)),
                ],
            ),
        ]


@admin.register(PaymentTransaction)
class PaymentTransactionAdmin(ReadOnlyAdmin):
    icon, entity_type = "credit_card", "payment_transaction"
    list_display = ["paid", "state", "reason", "policy", moment_column("attempted_at", "Tried at")]
    list_filter = ["status", "payment_type"]
    list_select_related = ["policy"]
    search_fields = ["id", "external_id", "policy"]
    search_help_text = "Exact number, external id or number of the policy"

    @display(description="Payment", header=True)
    def paid(self, row: PaymentTransaction) -> list[str]:
        return [f"{row.amount_usd:,.2f} USD by {row.payment_type}", f"{row.pk} · {row.external_id}"]

    @display(description="Status")
    def state(self, row: PaymentTransaction) -> str:
        return status_badge(row)

    @display(description="Reason")
    def reason(self, row: PaymentTransaction) -> str:
        return row.failure_reason.replace("_", " ")

    def panels(self, request: HttpRequest, row: PaymentTransaction) -> list[Panel]:
        user, policy = request.user, row.policy
        return [
            *features_panels(user, "payment_transaction", row.pk),
            *features_panels(user, "user", policy.user_id),
            *trail_panel(user, "payment_transaction", row.pk),
            Facts(
                title=str(row).capitalize(),
                side=True,
                rows=[
                    ("Status", status_badge(row)),
                    ("Reason", self.reason(row)),
                    ("Amount", f"{row.amount_usd:,.2f} USD"),
                    ("Type", row.payment_type),
                    ("Policy", row_link(user, Policy, policy.pk, policy)),
                    ("User", user_link(user, policy)),
                    ("Tried at", when(row.attempted_at)),
                    ("Recorded", when(row.recorded_at)),
                    ("External id", code(row.external_id)),
                ],
            ),
        ]
