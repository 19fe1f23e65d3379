from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loans import berka
from loans.synthetic import SOURCE, generate

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def sample():
    return generate(now=NOON)


def test_the_same_seed_and_day_give_the_same_sample(sample):
    assert generate(now=NOON + timedelta(hours=3)) == sample
    assert generate(now=NOON, seed=2).events != sample.events


def test_a_borrower_is_the_same_however_many_are_asked_for(sample):
    few = generate(now=NOON, borrowers=10)
    ids = {one.id for one in few.borrowers}
    assert few.borrowers == sample.borrowers[:10]
    assert few.events == tuple(event for event in sample.events if event.borrower_id in ids)


def test_each_of_two_hundred_borrowers_has_fifty_to_a_hundred_movements(sample):
    counts = Counter(event.borrower_id for event in sample.events)
    assert len(counts) == len(sample.borrowers) == 200
    assert 50 <= min(counts.values()) <= max(counts.values()) <= 100


def test_movements_end_shortly_before_today(sample):
    times = [event.event_time for event in sample.events]
    assert berka.midnight(NOON.date()) - timedelta(days=3) <= max(times) < berka.midnight(NOON.date())


def test_every_row_says_that_it_is_invented_and_has_its_own_id(sample):
    assert {one.source for one in (*sample.borrowers, *sample.events)} == {SOURCE} == {"synthetic"}
    assert len({event.source_id for event in sample.events}) == len(sample.events)
    real = {berka.borrower_id(number) for number in range(12_000)}
    assert not real & {one.id for one in sample.borrowers}


def test_loans_and_bad_ones_are_about_as_common_as_in_the_published_data():
    loans = generate(now=NOON, borrowers=1000).loans
    assert 0.12 < len(loans) / 1000 < 0.18  # 682 of 4500
    assert 0.07 < sum(loan.bad for loan in loans) / len(loans) < 0.16  # 76 of 682


def test_a_loan_has_a_history_before_it(sample):
    first = {}
    for event in sample.events:
        first.setdefault(event.borrower_id, event.event_time)
    assert sample.loans
    assert all(loan.as_of - first[loan.borrower_id] > timedelta(days=100) for loan in sample.loans)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 5))
def test_the_balance_is_the_running_sum_and_the_type_tells_the_direction(seed, borrowers):
    sample = generate(now=NOON, borrowers=borrowers, seed=seed)
    balances = dict.fromkeys((one.id for one in sample.borrowers), 0)
    for event in sample.events:
        balances[event.borrower_id] += event.value
        assert event.payload["balance"] == str(balances[event.borrower_id])
        assert event.event_type in berka.EVENT_TYPES and event.value.as_tuple().exponent == -2
        assert (event.value > 0) == (event.event_type in {"bank.cash_deposit", "bank.transfer_in", "bank.interest"})
