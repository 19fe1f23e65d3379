"""What `make up` shows on an empty database: policyholders of a seeded generator, called synthetic everywhere."""

from __future__ import annotations

from django.utils import timezone

from features.services import request_refresh
from policies import loader, synthetic
from policies.models import Quote

POLICIES = 500


def load() -> str | None:
    """Store the sample unless there are quotes; returns a sentence about it, or None."""
    if Quote.objects.exists():
        return None
    total = loader.Stored()
    for done in loader.store(synthetic.generate(now=timezone.now(), policies=POLICIES)):
        total.add(done)
    for entity in ("user", "quote", "payment_transaction"):
        request_refresh(entity)
    return (
        f"{total.users} synthetic policyholders with {total.quotes} quotes, {total.policies} policies and "
        f"{total.payments} payments"
    )
