"""Loading: whole, once, and on from where it stopped."""

import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from audit.models import Entry
from policies import loader, sample, synthetic
from policies.eudirectlapse import FILE, read_offers, read_policyholders
from policies.models import PaymentTransaction, Policy, Quote, QuoteStep
from tests.conftest import ROOT

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DATA = Path(os.environ.get("MILLRACE_SHARED_DATA") or ROOT.parent / "shared" / "data") / "insurance"


def counts() -> tuple[int, ...]:
    return tuple(model.objects.count() for model in (User, Quote, Policy, PaymentTransaction))


def store(holders) -> loader.Stored:
    total = loader.Stored()
    for done in loader.store(holders):
        total.add(done)
    return total


def test_every_row_arrives_as_it_was_made():
    holders = list(synthetic.generate(now=NOW, policies=30))
    total = store(holders)
    assert counts() == (total.users, total.quotes, total.policies, total.payments)
    assert total.users == len(holders) and total.policies >= 30
    for holder in holders:
        for meant in holder.quotes:
            stored = Quote.objects.get(external_id=meant.external_id)
            for name in ("product", "premium_usd", "instalments", "created_at", "recorded_at", "bound_at",
                         "binding_recorded_at"):  # fmt: skip
                assert getattr(stored, name) == getattr(meant, name)
            assert stored.user.username == loader.username(holder)
            assert Policy.objects.filter(quote=stored).count() == bool(meant.bound_at)
            for paid in meant.payments:
                payment = PaymentTransaction.objects.get(external_id=paid.external_id)
                assert payment.policy.quote == stored
                for name in ("payment_type", "amount_usd", "status", "failure_reason", "attempted_at", "recorded_at"):
                    assert getattr(payment, name) == getattr(paid, name)
    steps = sum(1 + bool(quote.bound_at) for holder in holders for quote in holder.quotes)
    assert QuoteStep.objects.count() == steps
    assert not User.objects.exclude(role="client").exists()


def test_a_load_that_was_stopped_goes_on(monkeypatch):
    monkeypatch.setattr(loader, "BATCH", 7)

    def torn(holders) -> Iterator:
        for number, holder in enumerate(holders):
            if number == 17:
                raise KeyboardInterrupt
            yield holder

    with pytest.raises(KeyboardInterrupt):
        store(torn(synthetic.generate(now=NOW, policies=30)))
    assert counts()[0] == 14
    later = datetime(2026, 3, 2, 12, tzinfo=UTC)
    total = store(synthetic.generate(now=later, policies=30))
    assert total.seen == total.users + 14 == counts()[0]


def test_the_command_loads_once_and_tells_what_is_new(capsys):
    call_command("load_policies", "--policies", "40", "--seed", "5")
    first, rows = capsys.readouterr().out, counts()
    call_command("load_policies", "--policies", "40", "--seed", "5")
    assert re.match(rf"{rows[0]} new policyholders of {rows[0]}: {rows[1]} quotes, {rows[2]} policies", first)
    assert capsys.readouterr().out.startswith(f"0 new policyholders of {rows[0]}")
    assert counts() == rows
    assert Entry.objects.filter(action="policies_loaded").count() == 2


def test_a_folder_without_the_table_is_refused(tmp_path):
    with pytest.raises(CommandError, match="quotes_eudirectlapse"):
        call_command("load_policies", "--from-data", str(tmp_path))


@pytest.mark.skipif(not (DATA / FILE).is_file(), reason=f"the table may not ship ({DATA}, MILLRACE_SHARED_DATA)")
def test_the_published_premiums_and_lapses_are_kept():
    pytest.importorskip("pyarrow", reason="requirements/science.txt")
    offers = list(read_offers(DATA))
    assert len(offers) == 18_357 and sum(not offer.taken for offer in offers) == 2_362
    with_premium = 0
    for offer, holder in zip(offers, islice(read_policyholders(DATA, now=NOW, seed=1), 1_000), strict=False):
        assert {quote.instalments for quote in holder.quotes} == {offer.instalments}
        assert all(quote.external_id.startswith("eudirectlapse+synthetic:1:") for quote in holder.quotes)
        assert offer.taken or not holder.policies
        with_premium += offer.premium_usd in {quote.premium_usd for quote in holder.quotes}
    assert with_premium > 950  # of the others the quote lies in the future


def test_the_sample_fills_an_empty_database_and_no_other():
    told = sample.load()
    assert "synthetic policyholders" in told and Policy.objects.count() >= sample.POLICIES
    assert sample.load() is None
