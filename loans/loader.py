"""Store a bank's history: users, borrowers, raw events and past loans. Loading it again changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Protocol

from django.contrib.auth.hashers import make_password
from django.db import transaction

from accounts.models import User
from base.roles import Role
from features.services import Ingested, NewEvent, ingest_in_batches
from loans import berka
from loans.models import Borrower, Loan

BATCH = 1_000
OUTCOMES = {
    "A": Loan.Outcome.REPAID,
    "B": Loan.Outcome.DEFAULTED,
    "C": Loan.Outcome.RUNNING,
    "D": Loan.Outcome.IN_DEBT,
}


class Named(Protocol):
    @property
    def source(self) -> str: ...
    @property
    def source_id(self) -> str: ...


def store_borrowers(borrowers: Iterable[berka.Borrower], *, phones: Iterator[str] | None = None) -> int:
    """One user and one borrower each; `phones` gives some of them a number to log in with. Returns how many are new."""
    before = Borrower.objects.count()
    for batch in batched(borrowers, BATCH):
        with transaction.atomic():
            _store_batch(batch, phones or iter(()))
    return Borrower.objects.count() - before


def _store_batch(batch: list[berka.Borrower], phones: Iterator[str]) -> None:
    # One unusable password for all: hashing one for each of thousands of users takes minutes.
    locked = make_password(None)
    User.objects.bulk_create(
        [User(username=username(one), password=locked, role=Role.CLIENT, phone=next(phones, None)) for one in batch],
        ignore_conflicts=True,
    )
    users = dict(User.objects.filter(username__in=[username(one) for one in batch]).values_list("username", "id"))
    Borrower.objects.bulk_create(
        [
            Borrower(
                id=one.id,
                user_id=users[username(one)],
                external_ref=username(one),
                birth_date=one.birth_date,
                customer_since=one.opened_date,
                second_holder=one.second_holder,
            )
            for one in batch
        ],
        update_conflicts=True,  # a fact that an earlier load did not know yet
        update_fields=["second_holder"],
        unique_fields=["id"],
    )


def store_events(events: Iterable[berka.BankEvent]) -> Iterator[Ingested]:
    """Load raw events batch by batch; their features are left to a backfill."""
    return iter(ingest_in_batches(_new_event(event) for event in events))


def store_loans(loans: Iterable[berka.PastLoan]) -> int:
    """Past loans with their outcome. Returns how many are new."""
    before = Loan.objects.count()
    for batch in batched(loans, BATCH):
        Loan.objects.bulk_create([_loan(one) for one in batch], ignore_conflicts=True)
    return Loan.objects.count() - before


def username(one: Named) -> str:
    return f"{one.source}-{one.source_id}"


def batched(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def _new_event(event: berka.BankEvent) -> NewEvent:
    return NewEvent(
        source=event.source,
        source_id=event.source_id,
        event_type=event.event_type,
        entity_id=str(event.borrower_id),
        event_time=event.event_time,
        data={"amount": str(event.value), **event.payload},
    )


def _loan(one: berka.PastLoan) -> Loan:
    return Loan(
        borrower_id=one.borrower_id,
        external_ref=str(one.id),
        granted_date=one.granted_date,
        amount=one.amount,
        term_months=one.term_months,
        monthly_payment=one.monthly_payment,
        outcome=OUTCOMES[one.status],
    )
