"""Invented borrowers, movements and past loans for a first look at the product. Seeded; standard library only.

Rates follow the published description of the PKDD'99 bank (P. Berka and M. Sochorova, Guide to the Financial Data
Set): 682 loans on 4500 accounts, 606 of them finished or running well and 76 not (A 203, B 31, C 403, D 45), terms of
12 to 60 months, 869 accounts with a second holder, a statement fee of 14.60, monthly interest, household payments on
more than half of the accounts with a loan. Incomes, spending and the three kinds of household are made up; no row is
copied from a real account, and every row says so: its source is "synthetic". A granted loan has no later movements of
its own. Amounts in CZK.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from loans.berka import BankEvent, Borrower, PastLoan, midnight

SOURCE = "synthetic"
NAMESPACE = uuid.UUID("5e8d1f5a-0b1c-5c4e-8a43-6f2d8c1e7b90")
MONTHS = 8
DAYS_PER_MONTH = 30
LOAN_SHARE = 682 / 4500
SECOND_HOLDER_SHARE = 869 / 4500
TERMS_MONTHS = (12, 24, 36, 48, 60)
DISTRICTS = ("Alder Bank", "Copper Hill", "Ferry Reach", "Lower Weir", "Millfield", "Quarry Side")
PENALTY_RATE = 0.02


@dataclass(frozen=True, slots=True)
class Household:
    """How a kind of borrower lives: income per month, share of it spent, share of households that pay bills from the
    account, share of the loans that go bad (606 to 76 over all kinds), and how common the kind is."""

    name: str
    weight: int
    income: tuple[int, int]
    spent: tuple[float, float]
    opening: tuple[int, int]
    bills: float
    bad: float


HOUSEHOLDS = (
    Household("steady", 70, (16000, 42000), (0.82, 0.98), (18000, 60000), 0.75, 0.02),
    Household("careful", 15, (9000, 20000), (0.80, 0.95), (12000, 40000), 0.60, 0.04),
    Household("stretched", 15, (8000, 22000), (0.98, 1.06), (800, 6000), 0.15, 0.60),
)


@dataclass(frozen=True, slots=True)
class Sample:
    borrowers: tuple[Borrower, ...]
    events: tuple[BankEvent, ...]
    loans: tuple[PastLoan, ...]


def generate(*, now: datetime, borrowers: int = 200, seed: int = 1999) -> Sample:
    """About eight months of movements per borrower, all before the day of `now` (aware, UTC).

    Same seed and day: same sample. A borrower is the same however many are asked for.
    """
    today = now.date()
    people: list[Borrower] = []
    events: list[BankEvent] = []
    loans: list[PastLoan] = []
    for number in range(borrowers):
        rng = random.Random(f"{seed}:{number}")
        kind = rng.choices(HOUSEHOLDS, [one.weight for one in HOUSEHOLDS])[0]
        borrower = _borrower(rng, f"{seed}:{number}", today)
        people.append(borrower)
        income = rng.randint(*kind.income)
        events += _events(rng, kind, borrower, income, today)
        if rng.random() < LOAN_SHARE:
            loans.append(_loan(rng, kind, borrower, income, today))
    return Sample(tuple(people), tuple(events), tuple(loans))


def _borrower(rng: random.Random, key: str, today: date) -> Borrower:
    return Borrower(
        id=uuid.uuid5(NAMESPACE, f"borrower:{key}"),
        source=SOURCE,
        source_id=f"borrower:{key}",
        birth_date=today - timedelta(days=rng.randint(20 * 365, 70 * 365)),
        sex=rng.choice("FM"),
        district=rng.choice(DISTRICTS),
        opened_date=today - timedelta(days=MONTHS * DAYS_PER_MONTH),
        second_holder=random.Random(f"{key}:second").random() < SECOND_HOLDER_SHARE,
    )


def _loan(rng: random.Random, kind: Household, borrower: Borrower, income: int, today: date) -> PastLoan:
    """Granted in the last four months; a stretched household asks for more than it can carry."""
    term = rng.choice(TERMS_MONTHS)
    payment = Decimal(round(income * rng.uniform(0.05, 0.25 if kind.bad < 0.5 else 0.45)))
    finished = rng.random() < 234 / 682
    statuses = ("B", "D") if rng.random() < kind.bad else ("A", "C")
    return PastLoan(
        id=uuid.uuid5(NAMESPACE, f"loan:{borrower.source_id}"),
        borrower_id=borrower.id,
        granted_date=today - timedelta(days=rng.randint(1, 4 * DAYS_PER_MONTH)),
        amount=(payment * term).quantize(Decimal("0.01")),
        term_months=term,
        monthly_payment=payment.quantize(Decimal("0.01")),
        status=statuses[0 if finished else 1],
    )


def _events(rng: random.Random, kind: Household, borrower: Borrower, income: int, today: date) -> Iterator[BankEvent]:
    """Movements in time order with the running balance, oldest first."""
    balance = Decimal(0)
    plan = sorted(_plan(rng, kind, income), key=lambda step: step[0])
    for number, (day, event_type, amount, purpose) in enumerate(plan):
        if event_type == "bank.interest":
            if balance < 0:
                event_type, purpose, amount = "bank.penalty_interest", "SANKC. UROK", float(balance) * PENALTY_RATE
            else:
                amount = float(balance) * 0.04 / 12
        value = Decimal(f"{amount:.2f}")
        if value == 0:
            continue
        balance += value
        payload = {"balance": str(balance)}
        if purpose:
            payload["purpose"] = purpose
        yield BankEvent(
            borrower_id=borrower.id,
            event_type=event_type,
            event_time=midnight(today - timedelta(days=MONTHS * DAYS_PER_MONTH - day)),
            value=value,
            source=SOURCE,
            source_id=f"event:{borrower.source_id}:{number}",
            payload=payload,
        )


def _plan(rng: random.Random, kind: Household, income: int) -> Iterator[tuple[int, str, float, str | None]]:
    """(day from 0, event type, signed amount, purpose); interest is filled in from the balance."""
    yield 0, "bank.cash_deposit", float(rng.randint(*kind.opening)), None
    salaried, payday = rng.random() < 0.6, rng.randint(2, 14)
    bills = rng.random() < kind.bills
    insured = bills and rng.random() < 0.25
    rent, premium = round(income * rng.uniform(0.12, 0.30)), rng.randint(80, 1500)
    for month in range(MONTHS):
        start = month * DAYS_PER_MONTH
        spent = income * rng.uniform(*kind.spent)
        if salaried:
            yield start + payday, "bank.transfer_in", float(income), None
        else:
            for _ in range(2):
                yield start + rng.randint(1, 27), "bank.cash_deposit", income * rng.uniform(0.35, 0.65), None
        if bills:
            yield start + 5, "bank.household_payment", float(-rent), "SIPO"
            spent -= rent
        if insured:
            yield start + 8, "bank.insurance_payment", float(-premium), "POJISTNE"
            spent -= premium
        if rng.random() < 0.4:
            sent = min(spent, rng.uniform(200, 3000))
            yield start + rng.randint(9, 24), "bank.transfer_out", -sent, None
            spent -= sent
        parts = [rng.uniform(0.5, 1.5) for _ in range(rng.randint(3, 5))]
        for part in parts:
            event_type = "bank.card_withdrawal" if rng.random() < 0.02 else "bank.cash_withdrawal"
            yield start + rng.randint(10, 28), event_type, -max(100.0, spent * part / sum(parts)), None
        yield start + 29, "bank.statement_fee", -14.6, "SLUZBY"
        yield start + 29, "bank.interest", 0.0, "UROK"
