"""Quote, bind, pay: once, together with the trail, or not at all."""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import OperationalError, connection, connections
from django.utils import timezone

from audit.models import Entry
from policies import services
from policies.models import PaymentTransaction, Policy, Quote
from policies.services import Conflicting, Refused
from tests import makers
from tests.makers import NOON
from tests.policies import makers as made


def offer(user, **more):
    return {
        "external_id": "q1",
        "user_id": user.pk,
        "product": "home",
        "premium_usd": Decimal("240.50"),
        "instalments": 4,
        **more,
    }


def paying(policy, **more):
    return {
        "external_id": "p1",
        "policy_id": policy.pk,
        "payment_type": "Debit",
        "amount_usd": Decimal("60.13"),
        "status": "failed",
        **more,
    }


def actions() -> list[tuple[str, str, str]]:
    return list(Entry.objects.order_by("id").values_list("action", "entity_type", "entity_id"))


@pytest.mark.django_db
class TestEachStep:
    def test_a_quote_is_stored_with_its_entry(self):
        user, before = makers.user(), timezone.now()
        quote, is_new = services.create_quote(**offer(user))
        assert is_new and before <= quote.created_at <= timezone.now()
        stored = Quote.objects.get()
        assert (stored.user, stored.premium_usd, stored.bound_at) == (user, Decimal("240.50"), None)
        assert actions() == [("quote_created", "quote", str(quote.pk))]

    def test_a_bound_quote_is_a_policy_of_a_year(self):
        quote = made.quote()
        before = timezone.now()
        policy, is_new = services.bind_quote(external_id="pol", quote_id=quote.pk, bound_at=NOON + timedelta(days=1))
        assert is_new and policy.user == quote.user
        assert (policy.starts_date, policy.ends_date - policy.starts_date) == (
            NOON.date() + timedelta(days=1),
            services.TERM,
        )
        quote.refresh_from_db()
        assert quote.bound_at == NOON + timedelta(days=1)
        assert before <= quote.binding_recorded_at <= timezone.now()
        assert actions()[-1] == ("quote_bound", "quote", str(quote.pk))

    def test_a_failed_payment_keeps_its_reason(self):
        payment, is_new = services.record_payment(**paying(made.policy(), failure_reason="expired_card"))
        assert is_new and payment.failure_reason == "expired_card"
        assert actions()[-1] == ("payment_recorded", "payment_transaction", str(payment.pk))


@pytest.mark.django_db
class TestSentAgain:
    def test_the_same_is_known_and_leaves_no_second_entry(self):
        user, policy = makers.user(), made.policy()
        bound_at = Quote.objects.get(pk=policy.quote_id).bound_at
        quote, payment = services.create_quote(**offer(user))[0], services.record_payment(**paying(policy))[0]
        entries = actions()
        assert services.create_quote(**offer(user)) == (quote, False)
        assert services.create_quote(**offer(user, created_at=quote.created_at)) == (quote, False)
        assert services.record_payment(**paying(policy)) == (payment, False)
        same = {"external_id": policy.external_id, "quote_id": policy.quote_id}
        assert services.bind_quote(**same) == services.bind_quote(**same, bound_at=bound_at) == (policy, False)
        assert actions() == entries

    @pytest.mark.parametrize("other", [{"premium_usd": 1}, {"instalments": 12}, {"product": "motor"},
                                       {"created_at": NOON}])  # fmt: skip
    def test_another_quote_under_the_same_name_is_a_conflict(self, other):
        user = makers.user()
        services.create_quote(**offer(user))
        with pytest.raises(Conflicting):
            services.create_quote(**offer(user, **other))

    @pytest.mark.parametrize("other", [{"amount_usd": 1}, {"status": "succeeded"}, {"payment_type": "Credit"},
                                       {"failure_reason": "late"}, {"attempted_at": NOON}])  # fmt: skip
    def test_another_payment_under_the_same_name_is_a_conflict(self, other):
        policy = made.policy()
        services.record_payment(**paying(policy))
        with pytest.raises(Conflicting):
            services.record_payment(**paying(policy, **other))

    def test_a_quote_is_bound_by_one_policy_and_a_policy_binds_one_quote(self):
        policy = made.policy()
        with pytest.raises(Conflicting):
            services.bind_quote(external_id="other", quote_id=policy.quote_id)
        with pytest.raises(Conflicting):
            services.bind_quote(external_id=policy.external_id, quote_id=policy.quote_id, bound_at=NOON - timedelta(1))
        other = made.quote()
        with pytest.raises(Conflicting):
            services.bind_quote(external_id=policy.external_id, quote_id=other.pk)
        assert Quote.objects.get(pk=other.pk).bound_at is None and Policy.objects.count() == 1


@pytest.mark.django_db
class TestRefused:
    def test_what_is_about_nobody_and_nothing(self):
        for field, call in {
            "user_id": lambda: services.create_quote(**offer(makers.user()) | {"user_id": 10**12}),
            "quote_id": lambda: services.bind_quote(external_id="x", quote_id=10**12),
            "policy_id": lambda: services.record_payment(**paying(made.policy()) | {"policy_id": 10**12}),
        }.items():
            with pytest.raises(Refused) as caught:
                call()
            assert caught.value.field == field

    def test_the_future(self):
        soon = timezone.now() + timedelta(minutes=1)
        policy = made.policy()
        for field, call in {
            "created_at": lambda: services.create_quote(**offer(policy.user, created_at=soon)),
            "bound_at": lambda: services.bind_quote(external_id="x", quote_id=made.quote().pk, bound_at=soon),
            "attempted_at": lambda: services.record_payment(**paying(policy, attempted_at=soon)),
        }.items():
            with pytest.raises(Refused) as caught:
                call()
            assert caught.value.field == field

    def test_a_binding_before_the_quote(self):
        with pytest.raises(Refused, match="before"):
            services.bind_quote(external_id="x", quote_id=made.quote().pk, bound_at=NOON - timedelta(seconds=1))

    def test_a_reason_for_a_success(self):
        with pytest.raises(Refused, match="failed"):
            services.record_payment(**paying(made.policy(), status="succeeded", failure_reason="none"))


def all_at_once(call, times: int = 6) -> list:
    def one(number):
        try:
            return call(number)
        except Conflicting:
            return None
        finally:
            connections.close_all()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(one, range(times)))


@pytest.mark.django_db(transaction=True)
def test_the_same_sent_at_the_same_time_is_stored_once():
    user, policy = makers.user(), made.policy()
    quotes = all_at_once(lambda _: services.create_quote(**offer(user)))
    payments = all_at_once(lambda _: services.record_payment(**paying(policy)))
    for answers in (quotes, payments):
        assert len({row.pk for row, _ in answers}) == 1 and sum(is_new for _, is_new in answers) == 1
    assert Quote.objects.filter(external_id="q1").count() == PaymentTransaction.objects.count() == 1
    assert Entry.objects.filter(action="payment_recorded").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_quote_that_many_bind_at_once_becomes_one_policy():
    quote = made.quote()
    answers = all_at_once(lambda number: services.bind_quote(external_id=f"pol-{number}", quote_id=quote.pk))
    assert sum(answer is not None for answer in answers) == 1 == Policy.objects.count()
    assert Entry.objects.filter(action="quote_bound").count() == 1


@pytest.mark.django_db
def test_a_binding_that_breaks_at_any_step_leaves_nothing_behind():
    quote, broken = made.quote(), 0
    while not Policy.objects.exists():
        calls, broken = 0, broken + 1

        def fail(execute, sql, params, many, context, limit=broken):
            nonlocal calls
            calls += 1
            if calls == limit:
                raise OperationalError("the database went away")
            return execute(sql, params, many, context)

        with contextlib.suppress(OperationalError), connection.execute_wrapper(fail):
            services.bind_quote(external_id="pol", quote_id=quote.pk)
        rows = Policy.objects.count(), Quote.objects.exclude(bound_at=None).count()
        assert rows + (Entry.objects.filter(action="quote_bound").count(),) in {(0, 0, 0), (1, 1, 1)}
    assert broken > 5
