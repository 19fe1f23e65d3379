"""The PKDD'99 Czech bank data as borrowers, events and past loans.

Source: P. Berka, PKDD'99 Discovery Challenge, https://sorry.vse.cz/~berka/challenge/pkdd1999/berka.htm.
Real anonymised accounts of 1993-1998; amounts in CZK, dates without a time of day (midnight UTC here).
`order` and `card` are never read: they hold facts later than the loan they would explain.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

SOURCE = "berka"
CURRENCY = "CZK"
NAMESPACE = uuid.UUID("b5a1c2de-7d1c-5e53-9f0a-1993199819ab")
BATCH_ROWS = 8192
BAD_STATUSES = frozenset("BD")

# First match wins: operation and k_symbol as the original codes; None matches anything.
_EVENT_TYPES: tuple[tuple[str | None, str | None, str], ...] = (
    (None, "UROK", "bank.interest"),
    (None, "SANKC. UROK", "bank.penalty_interest"),
    (None, "SLUZBY", "bank.statement_fee"),
    (None, "DUCHOD", "bank.pension"),
    ("PREVOD NA UCET", "SIPO", "bank.household_payment"),
    ("PREVOD NA UCET", "POJISTNE", "bank.insurance_payment"),
    ("PREVOD NA UCET", "UVER", "bank.loan_payment"),
    ("VKLAD", None, "bank.cash_deposit"),
    ("PREVOD Z UCTU", None, "bank.transfer_in"),
    ("VYBER KARTOU", None, "bank.card_withdrawal"),
    ("VYBER", None, "bank.cash_withdrawal"),
    ("PREVOD NA UCET", None, "bank.transfer_out"),
)
EVENT_TYPES = tuple(sorted({event_type for _, _, event_type in _EVENT_TYPES}))

# trans_pre_loan was published in English, spelling included; trans_1993_orig keeps the Czech codes.
_CZECH = {
    "credit": "PRIJEM",
    "withdrawal": "VYDAJ",
    "withdrawal in cash": "VYBER",
    "credit in cash": "VKLAD",
    "collection from another bank": "PREVOD Z UCTU",
    "remittance to another bank": "PREVOD NA UCET",
    "credit card withdrawal": "VYBER KARTOU",
    "household": "SIPO",
    "insurrance payment": "POJISTNE",
    "interest credited": "UROK",
    "payment for statement": "SLUZBY",
    "sanction interest if negative balance": "SANKC. UROK",
}


class UnknownTransaction(ValueError):
    """A transaction whose type, operation or purpose code is not in the published description."""


@dataclass(frozen=True, slots=True)
class Borrower:
    """The owner of one account. `sex` is "F" or "M"; `district` is a place name; `opened_date` is the account's.

    second_holder: whether somebody else may dispose of the account; None when it is not known.
    """

    id: uuid.UUID
    source: str
    source_id: str
    birth_date: date
    sex: str
    district: str
    opened_date: date
    second_holder: bool | None = None


@dataclass(frozen=True, slots=True)
class BankEvent:
    """One movement on a borrower's account.

    value: signed, 2 places; money in is positive, money out negative.
    payload: `balance` after the movement as a decimal string, `purpose` where the bank stated one.
    """

    borrower_id: uuid.UUID
    event_type: str
    event_time: datetime
    value: Decimal
    source: str
    source_id: str
    payload: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PastLoan:
    """A granted loan with its outcome: A finished, B finished unpaid, C running well, D running in debt."""

    id: uuid.UUID
    borrower_id: uuid.UUID
    granted_date: date
    amount: Decimal
    term_months: int
    monthly_payment: Decimal
    status: str

    @property
    def bad(self) -> bool:
        return self.status in BAD_STATUSES

    @property
    def as_of(self) -> datetime:
        return as_of(self.granted_date)


def as_of(granted_date: date) -> datetime:
    """The last moment before the loan date: everything known then is strictly earlier than the loan."""
    return midnight(granted_date) - timedelta(microseconds=1)


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def borrower_id(account_id: int) -> uuid.UUID:
    return uuid.uuid5(NAMESPACE, f"account:{account_id}")


def read_borrowers(folder: Path) -> Iterator[Borrower]:
    """One borrower per account with an OWNER, in account order. The other holder of an account is no borrower."""
    clients = {row["client_id"]: row for row in _rows(folder / "client.parquet", "client_id", "birth_number")}
    districts = {row["A1"]: row["A2"] for row in _rows(folder / "district.parquet", "A1", "A2")}
    owners, shared = {}, set()
    for row in _rows(folder / "disp.parquet", "account_id", "client_id", "type"):
        if row["type"] == "OWNER":
            owners[row["account_id"]] = row["client_id"]
        else:
            shared.add(row["account_id"])
    for row in _rows(folder / "account.parquet", "account_id", "district_id", "date"):
        account = row["account_id"]
        if account not in owners:
            continue
        birth_date, sex = birth(clients[owners[account]]["birth_number"])
        yield Borrower(
            id=borrower_id(account),
            source=SOURCE,
            source_id=f"account:{account}",
            birth_date=birth_date,
            sex=sex,
            district=districts[row["district_id"]],
            opened_date=day(row["date"]),
            second_holder=account in shared,
        )


def read_events(folder: Path) -> Iterator[BankEvent]:
    """Every movement once, file by file.

    The two files share some transactions, equal in every figure and in `trans_id`, which is therefore the identity.
    Memory: one batch, and the ids of the first file to recognise in the second. Raises UnknownTransaction.
    """
    seen: set[int] = set()
    columns = ("trans_id", "account_id", "date", "type", "operation", "amount", "balance", "k_symbol")
    for name in ("trans_pre_loan.parquet", "trans_1993_orig.parquet"):
        for row in _rows(folder / name, *columns):
            if row["trans_id"] not in seen:
                seen.add(row["trans_id"])
                yield _event(row)


def read_loans(folder: Path) -> Iterator[PastLoan]:
    """Loans with their outcome, in file order (by date)."""
    columns = ("loan_id", "account_id", "date", "amount", "duration", "payments", "status")
    for row in _rows(folder / "loan.parquet", *columns):
        yield PastLoan(
            id=uuid.uuid5(NAMESPACE, f"loan:{row['loan_id']}"),
            borrower_id=borrower_id(row["account_id"]),
            granted_date=day(row["date"]),
            amount=_money(row["amount"]),
            term_months=row["duration"],
            monthly_payment=_money(row["payments"]),
            status=row["status"],
        )


def birth(number: int) -> tuple[date, str]:
    """Birth date and sex from a Czech birth number YYMMDD; women have 50 added to the month. All are born 19YY."""
    month = number // 100 % 100
    sex = "F" if month > 50 else "M"
    return day(number - 5000 if sex == "F" else number), sex


def day(number: int) -> date:
    """YYMMDD of the twentieth century."""
    return date(1900 + number // 10000, number // 100 % 100, number % 100)


def event_type(operation: str | None, purpose: str | None) -> str:
    """The event type of an operation and a purpose (k_symbol) in Czech codes. Raises UnknownTransaction."""
    for wanted_operation, wanted_purpose, name in _EVENT_TYPES:
        if wanted_operation in (None, operation) and wanted_purpose in (None, purpose):
            return name
    raise UnknownTransaction(f"no event type for operation {operation!r} with purpose {purpose!r}")


def _event(row: dict[str, Any]) -> BankEvent:
    kind, operation, purpose = (_code(row[column]) for column in ("type", "operation", "k_symbol"))
    if kind not in ("PRIJEM", "VYDAJ", "VYBER"):
        raise UnknownTransaction(f"transaction {row['trans_id']} is neither money in nor money out: {kind!r}")
    amount = _money(row["amount"])
    payload = {"balance": str(_money(row["balance"]))}
    if purpose:
        payload["purpose"] = purpose
    return BankEvent(
        borrower_id=borrower_id(row["account_id"]),
        event_type=event_type(operation, purpose),
        event_time=midnight(day(row["date"])),
        value=amount if kind == "PRIJEM" else -amount,
        source=SOURCE,
        source_id=f"trans:{row['trans_id']}",
        payload=payload,
    )


def _code(text: str | None) -> str | None:
    stripped = (text or "").strip()
    return _CZECH.get(stripped, stripped) or None


def _money(amount: float) -> Decimal:
    return Decimal(f"{amount:.2f}")


def _rows(path: Path, *columns: str) -> Iterator[dict[str, Any]]:
    import pyarrow.parquet as pq  # only the reader needs it; the dataclasses above serve installs without it

    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=list(columns)):
            yield from batch.to_pylist()
