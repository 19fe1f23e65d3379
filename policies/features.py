"""What can be known about users, quotes and payments from the insurance tables. Amounts in USD.

The four features of the feature store's document keep its names, keys and types: `user_policy_time_of_purchase`,
`user_failed_transaction_count`, `quote_creation_to_binding_time` and `payment_type`.
"""

from datetime import timedelta

from django.db.models import F
from django.db.models.functions import Extract, Floor

from features.definitions import Entity, FeatureSet, Rows, agg

HOUR, DAY, DAYS_7, DAYS_30, DAYS_90 = agg.hours(1), agg.hours(24), agg.days(7), agg.days(30), agg.days(90)
SUCCEEDED, FAILED = ["succeeded"], ["failed"]
QUOTED, BOUND = ["quoted"], ["bound"]

user = Entity(name="user", key="user_id", description="An account: somebody who asks for quotes and pays for policies.")
quote = Entity(name="quote", key="quote_id", description="An offer of insurance.")
payment_transaction = Entity(
    name="payment_transaction", key="payment_transaction_id", description="One try to pay for a policy."
)

payments_of_users = Rows(
    model="policies.PaymentTransaction",
    entity_id="policy__user_id",
    event_time="attempted_at",
    recorded_at="recorded_at",
    event_type="status",
    value="amount_usd",
    fields={"payment_type": "payment_type"},
)
steps_of_users = Rows(
    model="policies.QuoteStep",
    entity_id="user_id",
    event_time="happened_at",
    recorded_at="recorded_at",
    event_type="kind",
)
bindings = Rows(
    model="policies.Quote",
    entity_id="id",
    event_time="bound_at",
    recorded_at="binding_recorded_at",
    fields={"seconds": Floor(Extract(F("bound_at") - F("created_at"), "epoch"))},
)
payments = Rows(
    model="policies.PaymentTransaction",
    entity_id="id",
    event_time="attempted_at",
    recorded_at="recorded_at",
    fields={"payment_type": "payment_type"},
)


class PolicyPayments(
    FeatureSet,
    name="policy_payments",
    version="v1",
    entity=user,
    source=payments_of_users,
    owner="insurance",
    tags=["policies"],
):
    """When a user bought, and how often paying failed, over all of their policies and all time."""

    user_policy_time_of_purchase = agg.first(
        "event_time",
        types=SUCCEEDED,
        unit="time",
        description="For a user_id, when their first policy payment went through; null before it",
    )
    user_failed_transaction_count = agg.count(
        types=FAILED,
        unit="transactions",
        description="For a user_id, how many of their payment transactions failed",
        expected=("0", None),
    )


class PaymentVelocity(
    FeatureSet,
    name="payment_velocity",
    version="v1",
    entity=user,
    source=payments_of_users,
    owner="insurance",
    tags=["policies", "velocity", "fraud"],
    freshness=timedelta(hours=1),
):
    """How fast a user pays and fails to pay: bursts of failures and changing cards are what fraud looks like."""

    user_failed_transaction_count_1h = agg.count(
        types=FAILED, over=HOUR, unit="transactions", description="Payments that failed"
    )
    user_failed_transaction_count_24h = agg.count(
        types=FAILED, over=DAY, unit="transactions", description="Payments that failed"
    )
    user_failed_transaction_count_7d = agg.count(
        types=FAILED, over=DAYS_7, unit="transactions", description="Payments that failed"
    )
    user_failed_transaction_share_30d = agg.ratio(
        types=FAILED,
        over=DAYS_30,
        description="Payments that failed among all tries; null without any",
        expected=("0", "1"),
    )
    user_amount_paid_24h = agg.sum(types=SUCCEEDED, over=DAY, unit="USD", description="Money that went through")
    user_amount_paid_30d = agg.sum(types=SUCCEEDED, over=DAYS_30, unit="USD", description="Money that went through")
    user_payment_types_30d = agg.distinct(
        "payment_type", over=DAYS_30, unit="types", description="Different types of payment tried", expected=("0", "3")
    )
    user_seconds_since_last_failure = agg.since_last(
        types=FAILED, unit="seconds", description="Since a payment last failed; null if none did"
    )


class QuoteVelocity(
    FeatureSet,
    name="quote_velocity",
    version="v1",
    entity=user,
    source=steps_of_users,
    owner="insurance",
    tags=["policies", "velocity"],
    freshness=timedelta(hours=1),
):
    """How much a user looks around, and whether they take what they are offered."""

    user_quote_count_24h = agg.count(types=QUOTED, over=DAY, unit="quotes", description="Quotes asked for")
    user_quote_count_30d = agg.count(types=QUOTED, over=DAYS_30, unit="quotes", description="Quotes asked for")
    user_quote_count_90d = agg.count(types=QUOTED, over=DAYS_90, unit="quotes", description="Quotes asked for")
    user_binding_count_90d = agg.count(types=BOUND, over=DAYS_90, unit="quotes", description="Quotes bound")
    user_quote_bind_share_90d = agg.derived(
        user_binding_count_90d / user_quote_count_90d,
        unit="share",
        description="Quotes bound for each quote asked for; above 1 when older ones were bound, null without quotes",
    )
    user_seconds_since_last_quote = agg.since_last(
        types=QUOTED, unit="seconds", description="Since a quote was last asked for; null if none was"
    )


class QuoteBinding(
    FeatureSet,
    name="quote_binding",
    version="v1",
    entity=quote,
    source=bindings,
    owner="insurance",
    tags=["policies"],
):
    """How long a quote took to become a policy."""

    quote_creation_to_binding_time = agg.last(
        "seconds",
        data_type="integer",
        unit="seconds",
        description="For a quote_id, the whole seconds from its creation to its binding; null while it is not bound",
        expected=("0", None),
    )


class PaymentType(
    FeatureSet,
    name="payment_type",
    version="v1",
    entity=payment_transaction,
    source=payments,
    owner="insurance",
    tags=["policies"],
):
    """What a payment was made with."""

    payment_type = agg.last(
        "payment_type",
        data_type="string",
        unit="kind",
        description="For a payment_transaction_id, its type: Credit, Debit or Prepaid",
    )
