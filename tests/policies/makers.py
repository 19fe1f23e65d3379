"""One quote, policy or payment with one line, written the way programs write them."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from policies import services
from policies.models import PaymentTransaction, Policy, Quote
from tests import makers
from tests.makers import NOON

_numbers = itertools.count(1)


def quote(user: Any = None, *, created_at: datetime = NOON, **fields: Any) -> Quote:
    fields = {"product": "motor", "premium_usd": Decimal(600), "instalments": 12} | fields
    fields.setdefault("external_id", f"quote-{next(_numbers)}")
    user = user or makers.user()
    return services.create_quote(user_id=user.pk, created_at=created_at, **fields)[0]


def policy(user: Any = None, *, bound_at: datetime = NOON, after: timedelta = timedelta(hours=1)) -> Policy:
    """A policy bound at `bound_at`, `after` its quote was made."""
    offered = quote(user, created_at=bound_at - after)
    return services.bind_quote(external_id=f"policy-{next(_numbers)}", quote_id=offered.pk, bound_at=bound_at)[0]


def payment(of: Policy, *, attempted_at: datetime = NOON, **fields: Any) -> PaymentTransaction:
    fields = {"payment_type": "Credit", "amount_usd": Decimal(50), "status": "succeeded"} | fields
    fields.setdefault("external_id", f"payment-{next(_numbers)}")
    return services.record_payment(policy_id=of.pk, attempted_at=attempted_at, **fields)[0]
