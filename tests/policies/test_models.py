"""What the database itself refuses, whoever writes."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, IntegrityError, InternalError, transaction

from policies.models import PaymentTransaction, Policy, Quote
from tests import makers
from tests.makers import NOON
from tests.policies import makers as made

pytestmark = pytest.mark.django_db
A_QUOTE = {"external_id": "q", "product": "motor", "premium_usd": 100, "instalments": 1, "created_at": NOON}
A_PAYMENT = {
    "external_id": "p",
    "payment_type": "Credit",
    "amount_usd": Decimal(10),
    "status": "succeeded",
    "attempted_at": NOON,
}


def refused(error: type[DatabaseError], store) -> str:
    with pytest.raises(error) as caught, transaction.atomic():
        store()
    return str(caught.value)


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"premium_usd": 0}, "quote_premium_positive"),
        ({"premium_usd": -1}, "quote_premium_positive"),
        ({"product": "boat"}, "quote_product_known"),
        ({"instalments": 3}, "quote_instalments_known"),
        (
            {"bound_at": NOON - timedelta(seconds=1), "binding_recorded_at": NOON},
            "quote_bound_after_creation",
        ),
        ({"bound_at": NOON}, "quote_binding_recorded"),
        ({"binding_recorded_at": NOON}, "quote_binding_recorded"),
    ],
)
def test_a_quote_keeps_its_rules(fields, rule):
    user = makers.user()
    assert rule in refused(IntegrityError, lambda: Quote.objects.create(user=user, **A_QUOTE | fields))


def test_a_quote_may_be_bound_at_the_very_moment_it_was_made():
    Quote.objects.create(user=makers.user(), bound_at=NOON, binding_recorded_at=NOON, **A_QUOTE)


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"amount_usd": 0}, "payment_amount_positive"),
        ({"payment_type": "credit"}, "payment_type_known"),
        ({"payment_type": "Cash"}, "payment_type_known"),
        ({"status": "pending"}, "payment_status_known"),
        ({"failure_reason": "expired_card"}, "payment_reason_only_of_failures"),
    ],
)
def test_a_payment_keeps_its_rules(fields, rule):
    policy = made.policy()
    message = refused(IntegrityError, lambda: PaymentTransaction.objects.create(policy=policy, **A_PAYMENT | fields))
    assert rule in message


def test_an_external_id_is_used_once():
    policy = made.policy()
    PaymentTransaction.objects.create(policy=policy, **A_PAYMENT)
    refused(IntegrityError, lambda: PaymentTransaction.objects.create(policy=policy, **A_PAYMENT))
    Quote.objects.create(user=policy.user, **A_QUOTE)
    refused(IntegrityError, lambda: Quote.objects.create(user=policy.user, **A_QUOTE))


def test_a_quote_becomes_one_policy():
    policy = made.policy()
    again = {
        "quote": policy.quote,
        "user": policy.user,
        "starts_date": policy.starts_date,
        "ends_date": policy.ends_date,
    }
    assert "quote_id" in refused(IntegrityError, lambda: Policy.objects.create(external_id="other", **again))


def test_a_policy_belongs_to_the_user_of_its_quote():
    quote, dates = made.quote(), {"starts_date": NOON.date(), "ends_date": NOON.date() + timedelta(days=1)}
    message = refused(
        IntegrityError, lambda: Policy.objects.create(external_id="p", quote=quote, user=makers.user(), **dates)
    )
    assert "policy_of_its_quotes_user" in message


def test_a_policy_ends_after_it_starts():
    quote, day = made.quote(), NOON.date()
    message = refused(
        IntegrityError,
        lambda: Policy.objects.create(external_id="p", quote=quote, user=quote.user, starts_date=day, ends_date=day),
    )
    assert "policy_has_a_term" in message


def test_payments_and_policies_never_change_and_never_go():
    payment = made.payment(made.policy())
    for row in (payment, payment.policy):
        rows = type(row).objects.filter(pk=row.pk)
        refused(InternalError, lambda rows=rows: rows.update(external_id="other"))
        refused(InternalError, lambda rows=rows: rows._raw_delete("default"))


def test_a_quote_is_bound_once_and_otherwise_never_changes():
    quote = made.quote()
    rows = Quote.objects.filter(pk=quote.pk)
    refused(InternalError, lambda: rows.update(premium_usd=1))
    refused(InternalError, lambda: rows.update(premium_usd=1, bound_at=NOON, binding_recorded_at=NOON))
    rows.update(bound_at=NOON, binding_recorded_at=NOON)
    refused(InternalError, lambda: rows.update(bound_at=NOON + timedelta(days=1)))
    refused(InternalError, lambda: rows.update(bound_at=None, binding_recorded_at=None))
    refused(InternalError, lambda: rows._raw_delete("default"))
