"""What could be approved instead of what was asked for."""

from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from loans import counteroffer
from loans.counteroffer import LEAST_AMOUNT, LEAST_SHARE, STEPS, TERMS, find_counter_offer

TODAY = date(2026, 6, 15)


def offered(amount, approves, term_months=24):
    found = find_counter_offer(amount=Decimal(amount), term_months=term_months, approves=approves, today=TODAY)
    return found and (found.amount, found.term_months)


def test_the_largest_amount_at_the_same_term_comes_first():
    assert offered(100_000, lambda amount, term: amount <= 62_000) == (60_000, 24)


def test_a_score_that_does_not_fall_with_the_amount_still_gives_the_largest():
    assert offered(100_000, lambda amount, term: amount in (30_000, 80_000)) == (80_000, 24)


def test_a_longer_term_is_offered_when_no_amount_will_do():
    assert offered(100_000, lambda amount, term: amount / term <= 2_500 and term > 24) == (100_000, 48)
    assert offered(100_050, lambda amount, term: term == 60) == (100_000, 60)


def test_too_little_is_not_worth_offering():
    assert offered(100_000, lambda amount, term: amount < 20_000) is None
    assert offered(900, lambda amount, term: True) is None


def test_it_ends_after_thirty_days():
    found = find_counter_offer(amount=Decimal(50_000), term_months=24, approves=lambda *_: True, today=TODAY)
    assert found.as_dict() == {"amount": 45_000, "term_months": 24, "valid_until": "2026-07-15"}


@given(st.decimals(min_value=1, max_value=9_999_999_999, places=2), st.integers(3, 120), st.integers(0, 50))
def test_an_offer_is_approved_is_less_and_is_found_in_bounded_time(amount, term, accepted_from):
    tried = []

    def approves(less, months):
        tried.append((less, months))
        return len(tried) > accepted_from

    found = find_counter_offer(amount=amount, term_months=term, approves=approves, today=TODAY)
    assert len(tried) <= STEPS + len(TERMS)
    if found:
        assert (found.amount, found.term_months) == tried[-1]
        assert max(LEAST_AMOUNT, LEAST_SHARE * amount) <= found.amount <= amount
        assert found.amount < amount or found.term_months > term
        assert found.amount % counteroffer.step_of(amount) == 0
