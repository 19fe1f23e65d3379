"""A borrower whose bank tells of them, and who asks for loans."""

from datetime import timedelta

import pytest
from django.utils import timezone

from features.intake.ingest import NewEvent, ingest
from features.values.materialize import refresh
from tests import makers


@pytest.fixture
def borrower(db):
    """A client with half a year of quiet, solvent banking, whose features are not computed yet."""
    from loans.models import Borrower

    found = Borrower.objects.create(user=makers.user(), customer_since=timezone.now().date() - timedelta(days=900))
    ingest(bank_history(str(found.pk)), refresh=False)
    return found


@pytest.fixture
def known_borrower(borrower):
    """The same, with features."""
    refresh("borrower", [str(borrower.pk)])
    return borrower


def bank_history(borrower_id: str, *, months: int = 8, balance: int = 60_000) -> list[NewEvent]:
    """Each month a salary, interest and three bills."""
    now, events = timezone.now(), []
    for month in range(months):
        for number, (kind, amount, day) in enumerate(
            [
                ("bank.transfer_in", 25_000, 2),
                ("bank.household_payment", -6_000, 5),
                ("bank.insurance_payment", -800, 6),
                ("bank.cash_withdrawal", -9_000, 12),
                ("bank.interest", 180, 28),
            ]
        ):
            moment = now - timedelta(days=30 * month + 29 - day)
            events.append(
                NewEvent(
                    source="test-bank",
                    source_id=f"{borrower_id}:{month}:{number}",
                    event_type=kind,
                    entity_id=borrower_id,
                    event_time=moment,
                    data={"amount": str(amount), "balance": str(balance - 500 * month)},
                )
            )
    return events
