"""Whatever writes the tables marks whose features are out of date, in its own transaction."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from features.models import StaleEntity
from features.serving.stored import stored
from features.values.coverage import coverage_of, waiting_entities
from features.values.materialize import refresh
from policies import loader, services, synthetic
from policies.features import PaymentType, PolicyPayments, QuoteBinding
from policies.models import Policy, Quote
from tests import makers

pytestmark = pytest.mark.django_db


def marked() -> set[tuple[str, str]]:
    return set(StaleEntity.objects.values_list("entity_type", "entity_id"))


def bound() -> Policy:
    buyer = makers.user()
    quote, _ = services.create_quote(external_id="q", user_id=buyer.pk, product="home", premium_usd=100, instalments=1)
    policy, _ = services.bind_quote(external_id="p", quote_id=quote.pk)
    return policy


def pay(policy: Policy, **more) -> str:
    payment, _ = services.record_payment(
        external_id=f"pay-{len(more)}-{timezone.now()}", policy_id=policy.pk, payment_type="Debit", amount_usd=10,
        **{"status": "succeeded"} | more,
    )  # fmt: skip
    return str(payment.pk)


def test_a_payment_marks_its_user_and_itself():
    policy = bound()
    for entity_type in ("user", "quote"):
        refresh(entity_type, waiting_entities(entity_type, limit=9))
    assert not marked()
    number = pay(policy)
    assert marked() == {("user", str(policy.user_id)), ("payment_transaction", number)}
    refresh("user", [str(policy.user_id)])
    refresh("payment_transaction", [number])
    assert not marked()
    assert stored(PaymentType, [number])[number].values() == {"payment_type": "Debit"}
    [row] = stored(PolicyPayments, [str(policy.user_id)]).values()
    assert row.source_rows == 1 and row.values()["user_policy_time_of_purchase"]


def test_a_quote_is_known_before_it_is_bound_and_stale_after():
    buyer = makers.user()
    quote, _ = services.create_quote(external_id="q", user_id=buyer.pk, product="home", premium_usd=9, instalments=1)
    key = str(quote.pk)
    refresh("quote", [key])
    assert stored(QuoteBinding, [key])[key].values() == {"quote_creation_to_binding_time": None}
    services.bind_quote(external_id="p", quote_id=quote.pk, bound_at=quote.created_at + timedelta(microseconds=1))
    assert ("quote", key) in marked()
    refresh("quote", [key])
    assert stored(QuoteBinding, [key])[key].values() == {"quote_creation_to_binding_time": 0}


def test_what_is_rolled_back_marks_nobody():
    policy = bound()
    before = marked()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        pay(policy)
        _ = 1 / 0
    assert marked() == before


def test_rows_that_are_copied_in_are_covered_like_any_other():
    holders = synthetic.generate(now=timezone.now(), policies=20)
    list(loader.store(holders))
    assert ("quote", str(Quote.objects.first().pk)) in marked()
    for feature_set in (PolicyPayments, QuoteBinding, PaymentType):
        entity_type = feature_set.entity.name
        refresh(entity_type, waiting_entities(entity_type, limit=10_000))
        [covered] = coverage_of(feature_set)
        assert covered.total == covered.with_features > 0 and covered.stale == 0
