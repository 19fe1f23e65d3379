"""The generator's people: seeded, believable, and called what they are."""

from datetime import UTC, datetime, timedelta

import pytest

from policies.synthetic import INSTALMENTS, TRIES, generate

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def people():
    return list(generate(now=NOON, policies=2_000))


def quotes_of(people):
    return [quote for holder in people for quote in holder.quotes]


def payments_of(people):
    return [payment for quote in quotes_of(people) for payment in quote.payments]


def test_the_same_seed_and_moment_give_the_same_people(people):
    assert list(generate(now=NOON, policies=50)) == people[: len(list(generate(now=NOON, policies=50)))]
    assert next(generate(now=NOON, policies=1, seed=1)).quotes != people[0].quotes


def test_there_are_as_many_policies_as_were_asked_for(people):
    assert 2_000 <= sum(holder.policies for holder in people) < 2_003


def test_nothing_happens_or_is_learned_after_now_or_before_it_could(people):
    for quote in quotes_of(people):
        assert NOON - timedelta(days=731) < quote.created_at <= quote.recorded_at <= NOON
        if quote.bound_at:
            assert quote.created_at <= quote.bound_at <= quote.binding_recorded_at <= NOON
        assert bool(quote.payments) <= bool(quote.bound_at)
        for payment in quote.payments:
            assert quote.bound_at <= payment.attempted_at <= payment.recorded_at <= NOON


def test_every_row_says_that_it_is_invented_and_has_its_own_name(people):
    for rows in (quotes_of(people), payments_of(people)):
        assert len({row.external_id for row in rows}) == len(rows)
        assert all(row.external_id.startswith("synthetic:2017:") for row in rows)


def test_tries_go_on_until_one_succeeds_or_they_are_given_up(people):
    for quote in quotes_of(people):
        statuses = "".join(payment.status[0] for payment in quote.payments)
        assert "f" * (TRIES + 1) not in statuses and statuses.count("s") <= quote.instalments
        assert all(bool(p.failure_reason) == (p.status == "failed") for p in quote.payments)
        assert [p.attempted_at for p in quote.payments] == sorted(p.attempted_at for p in quote.payments)


def test_shares_are_about_those_of_the_published_table(people):
    firsts = [holder.quotes[0] for holder in people]
    for instalments, (share, premium, _) in INSTALMENTS.items():
        chosen = sorted(quote.premium_usd for quote in firsts if quote.instalments == instalments)
        assert abs(len(chosen) / len(firsts) - share) < 0.04
        assert float(chosen[len(chosen) // 2]) == pytest.approx(premium, rel=0.15)
    failed = sum(payment.status == "failed" for payment in payments_of(people))
    assert 0.03 < failed / len(payments_of(people)) < 0.15
    late = [p for p in payments_of(people) if p.recorded_at - p.attempted_at > timedelta(minutes=30)]
    assert 0 < len(late) / len(payments_of(people)) < 0.03
