"""The document's features and the velocity beside them, at several moments, against plain Python."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from features.definitions import Happening
from features.services import find_feature, point_in_time
from policies import loader, synthetic
from policies.features import PaymentType, PaymentVelocity, PolicyPayments, QuoteBinding, QuoteVelocity
from policies.models import PaymentTransaction, Quote
from tests import makers
from tests.makers import NOON
from tests.policies import makers as made

pytestmark = pytest.mark.django_db
SECOND, MINUTE, HOUR, DAY = (timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days"))


def known(feature_set, entity, as_of, **more) -> dict:
    [row] = point_in_time(feature_set, [(str(entity.pk), as_of)], **more)
    return row.values()


def iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@pytest.mark.parametrize(
    ("name", "key", "data_type"),
    [
        ("user_policy_time_of_purchase", "user_id", "datetime"),
        ("quote_creation_to_binding_time", "quote_id", "integer"),
        ("user_failed_transaction_count", "user_id", "integer"),
        ("payment_type", "payment_transaction_id", "string"),
    ],
)
def test_the_documents_features_have_its_names_keys_and_types(name, key, data_type):
    feature_set, found = find_feature(name)
    assert (found, feature_set.entity.key, feature_set.features[found].data_type) == (name, key, data_type)


def test_the_time_of_purchase_is_the_first_payment_that_went_through():
    policy = made.policy()
    made.payment(policy, attempted_at=NOON + HOUR, status="failed")
    made.payment(policy, attempted_at=NOON + 2 * HOUR)
    made.payment(policy, attempted_at=NOON + 3 * HOUR)
    made.payment(made.policy(policy.user, bound_at=NOON + DAY), attempted_at=NOON + DAY)

    def purchase(as_of):
        return known(PolicyPayments, policy.user, as_of)["user_policy_time_of_purchase"]

    assert purchase(NOON + HOUR) is None
    assert purchase(NOON + 2 * HOUR - SECOND) is None
    assert purchase(NOON + 2 * HOUR) == iso(NOON + 2 * HOUR) == purchase(NOON + 9 * DAY)


def test_failures_are_counted_over_all_policies_of_a_user_and_of_nobody_else():
    user = makers.user()
    for number, policy in enumerate([made.policy(user), made.policy(user), made.policy()]):
        made.payment(policy, attempted_at=NOON + number * HOUR, status="failed", failure_reason="expired_card")
        made.payment(policy, attempted_at=NOON + number * HOUR)
    counts = [known(PolicyPayments, user, NOON + after) for after in (-SECOND, timedelta(), HOUR - SECOND, HOUR, DAY)]
    assert [values["user_failed_transaction_count"] for values in counts] == [0, 1, 1, 2, 2]


@pytest.mark.parametrize(
    ("after", "seconds"),
    [(timedelta(), 0), (timedelta(microseconds=999_999), 0), (90 * MINUTE, 5400), (400 * DAY + SECOND, 34_560_001)],
)
def test_the_time_to_bind_is_in_whole_seconds_and_known_from_the_binding_on(after, seconds):
    bound_at = datetime(2026, 1, 1, tzinfo=UTC)
    quote = made.policy(bound_at=bound_at, after=after).quote
    before, at_once = (known(QuoteBinding, quote, moment) for moment in (bound_at - SECOND, bound_at))
    assert before == {"quote_creation_to_binding_time": None}
    assert at_once == {"quote_creation_to_binding_time": seconds}
    assert type(at_once["quote_creation_to_binding_time"]) is int


@pytest.mark.parametrize("kind", ["Credit", "Debit", "Prepaid"])
def test_the_type_of_a_payment_is_known_from_the_try_on(kind):
    payment = made.payment(made.policy(), payment_type=kind, status="failed")
    assert known(PaymentType, payment, NOON - SECOND) == {"payment_type": None}
    assert known(PaymentType, payment, NOON) == {"payment_type": kind}


def test_a_late_record_is_not_known_before_it_arrived():
    """What was served last week can be made again, although more of last week is known today."""
    policy = made.policy()
    payment = made.payment(policy, status="failed")
    today = timezone.now()
    for feature_set, entity, name, learned in (
        (PolicyPayments, policy.user, "user_failed_transaction_count", (0, 1)),
        (PaymentVelocity, policy.user, "user_failed_transaction_count_24h", (0, 1)),
        (QuoteVelocity, policy.user, "user_binding_count_90d", (0, 1)),
        (QuoteBinding, policy.quote, "quote_creation_to_binding_time", (None, 3600)),
        (PaymentType, payment, "payment_type", (None, "Credit")),
    ):
        then = known(feature_set, entity, NOON + HOUR, known_at=NOON + 2 * HOUR)
        now = known(feature_set, entity, NOON + HOUR, known_at=today)
        assert (then[name], now[name]) == learned, name


def test_a_burst_of_failures_shows_in_every_window():
    policy = made.policy(bound_at=NOON - 40 * DAY)
    for ago, kind in ((6 * DAY, "Credit"), (23 * HOUR, "Credit"), (59 * MINUTE, "Debit"), (MINUTE, "Prepaid")):
        made.payment(policy, attempted_at=NOON - ago, status="failed", payment_type=kind)
    made.payment(policy, attempted_at=NOON - 29 * DAY, amount_usd=Decimal("19.99"))
    made.payment(policy, attempted_at=NOON - SECOND, amount_usd=Decimal("50.01"), payment_type="Prepaid")
    assert known(PaymentVelocity, policy.user, NOON) == {
        "user_failed_transaction_count_1h": 2,
        "user_failed_transaction_count_24h": 3,
        "user_failed_transaction_count_7d": 4,
        "user_failed_transaction_share_30d": pytest.approx(Decimal(4) / 6),
        "user_amount_paid_24h": Decimal("50.01"),
        "user_amount_paid_30d": Decimal("70.00"),
        "user_payment_types_30d": 3,
        "user_seconds_since_last_failure": 60,
    }


def test_the_share_of_bound_quotes_counts_a_binding_when_it_happens():
    user = makers.user()
    made.quote(user, created_at=NOON - 100 * DAY)
    made.quote(user, created_at=NOON - 10 * DAY)
    made.policy(user, bound_at=NOON, after=2 * DAY)
    shown = [known(QuoteVelocity, user, as_of) for as_of in (NOON - 200 * DAY, NOON - SECOND, NOON)]
    assert [values["user_quote_bind_share_90d"] for values in shown] == [None, 0, Decimal("0.5")]
    assert [values["user_quote_count_90d"] for values in shown] == [0, 2, 2]
    assert shown[-1]["user_seconds_since_last_quote"] == 2 * 86_400


@pytest.mark.parametrize("nobody", ["0", "-1", "abc", "", "9" * 40, "1.5", "é"])
def test_ids_that_are_nobodys_know_nothing_and_break_nothing(nobody):
    made.payment(made.policy())
    for feature_set in (PolicyPayments, PaymentVelocity, QuoteVelocity, QuoteBinding, PaymentType):
        [row] = point_in_time(feature_set, [(nobody, timezone.now())])
        assert row.source_rows == 0


def test_generated_histories_give_what_plain_python_gives():
    now = timezone.now()
    list(loader.store(synthetic.generate(now=now, policies=60, seed=7)))
    moments = [now - timedelta(days=days) for days in (0, 1, 30, 200, 400, 600)]
    payments = list(PaymentTransaction.objects.select_related("policy"))
    quotes = list(Quote.objects.all())
    paid = [(p.policy.user_id, paying(p)) for p in payments]
    steps = [step for quote in quotes for step in quoted(quote)]
    compared = 0
    for feature_set, happenings in (
        (PolicyPayments, paid),
        (PaymentVelocity, paid),
        (QuoteVelocity, steps),
        (QuoteBinding, [(quote.pk, bound(quote)) for quote in quotes if quote.bound_at]),
        (PaymentType, [(p.pk, paying(p)) for p in payments]),
    ):
        of_entity: dict = {}
        for entity_id, happening in happenings:
            of_entity.setdefault(str(entity_id), []).append(happening)
        spine = [(entity_id, moment) for entity_id in of_entity for moment in moments]
        for row in point_in_time(feature_set, spine):
            meant = feature_set.compute(of_entity[row.entity_id], row.as_of)
            for name, value in row.values().items():
                same(value, meant[name], (row.entity_id, row.as_of, name))
                compared += 1
    assert compared > 5_000


def paying(payment: PaymentTransaction) -> Happening:
    payload = {"payment_type": payment.payment_type}
    return Happening(payment.status, payment.attempted_at, payment.amount_usd, payload, payment.pk)


def quoted(quote: Quote) -> list:
    steps = [(quote.user_id, Happening("quoted", quote.created_at, number=2 * quote.pk))]
    if quote.bound_at:
        steps.append((quote.user_id, Happening("bound", quote.bound_at, number=2 * quote.pk + 1)))
    return steps


def bound(quote: Quote) -> Happening:
    seconds = (quote.bound_at - quote.created_at) // SECOND
    return Happening("policies.Quote", quote.bound_at, payload={"seconds": seconds}, number=quote.pk)


def same(value, meant, where) -> None:
    if isinstance(meant, datetime):
        meant = iso(meant)
    if isinstance(meant, float):
        assert float(value) == pytest.approx(meant, rel=1e-9), where
    else:
        assert value == meant, where
