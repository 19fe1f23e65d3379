import os
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from loans import berka

DATA = Path(os.environ.get("MILLRACE_SHARED_DATA") or Path(__file__).parents[2].parent / "shared" / "data") / "berka"
needs_data = pytest.mark.skipif(
    not (DATA / "loan.parquet").exists(),
    reason=f"the PKDD'99 bank data are not here: set MILLRACE_SHARED_DATA to the folder that holds berka/ ({DATA})",
)

TRANSACTION = {
    "trans_id": 1,
    "account_id": 2,
    "date": 930226,
    "type": "PRIJEM",
    "operation": "VKLAD",
    "amount": 1100.0,
    "balance": 1100.0,
    "k_symbol": None,
}
BOTH_LANGUAGES = [
    ("withdrawal", "remittance to another bank", "household", "VYDAJ", "PREVOD NA UCET", "SIPO"),
    ("withdrawal", "remittance to another bank", " ", "VYDAJ", "PREVOD NA UCET", None),
    ("withdrawal", "withdrawal in cash", "payment for statement", "VYDAJ", "VYBER", "SLUZBY"),
    ("withdrawal in cash", "withdrawal in cash", None, "VYBER", "VYBER", None),
    ("credit", None, "interest credited", "PRIJEM", None, "UROK"),
]


def write_transactions(folder: Path, **files: list[dict]) -> None:
    pa = pytest.importorskip("pyarrow", reason="reading the bank data needs pyarrow, which serving does not install")
    import pyarrow.parquet as pq

    text = {name: pa.string() for name in ("type", "operation", "k_symbol")}
    schema = pa.schema([(name, text.get(name, pa.float64() if name in ("amount", "balance") else pa.int64()))
                        for name in TRANSACTION])  # fmt: skip
    for name in ("trans_pre_loan", "trans_1993_orig"):
        pq.write_table(pa.Table.from_pylist(files.get(name, []), schema=schema), folder / f"{name}.parquet")


def test_a_deposit_becomes_money_in_at_midnight_utc(tmp_path):
    write_transactions(tmp_path, trans_pre_loan=[TRANSACTION])
    assert list(berka.read_events(tmp_path)) == [
        berka.BankEvent(
            borrower_id=berka.borrower_id(2),
            event_type="bank.cash_deposit",
            event_time=datetime(1993, 2, 26, tzinfo=UTC),
            value=Decimal("1100.00"),
            source="berka",
            source_id="trans:1",
            payload={"balance": "1100.00"},
        )
    ]


def test_a_transaction_in_both_files_counts_once(tmp_path):
    english = TRANSACTION | {"type": "credit", "operation": "credit in cash"}
    write_transactions(tmp_path, trans_pre_loan=[english], trans_1993_orig=[TRANSACTION, TRANSACTION | {"trans_id": 9}])
    assert [event.source_id for event in berka.read_events(tmp_path)] == ["trans:1", "trans:9"]


@pytest.mark.parametrize("codes", BOTH_LANGUAGES)
def test_both_languages_say_the_same(tmp_path, codes):
    names = ("type", "operation", "k_symbol")
    english = TRANSACTION | dict(zip(names, codes[:3], strict=True))
    czech = TRANSACTION | dict(zip(names, codes[3:], strict=True)) | {"trans_id": 2}
    write_transactions(tmp_path, trans_pre_loan=[english], trans_1993_orig=[czech])
    one, other = berka.read_events(tmp_path)
    assert (one.event_type, one.value, one.payload) == (other.event_type, other.value, other.payload)


def test_an_unknown_code_is_refused_by_name(tmp_path):
    write_transactions(tmp_path, trans_pre_loan=[TRANSACTION | {"operation": "barter"}])
    with pytest.raises(berka.UnknownTransaction, match="barter"):
        list(berka.read_events(tmp_path))
    write_transactions(tmp_path, trans_pre_loan=[TRANSACTION | {"type": "gift"}])
    with pytest.raises(berka.UnknownTransaction, match="gift"):
        list(berka.read_events(tmp_path))


def test_women_have_fifty_added_to_the_month_of_birth():
    assert berka.birth(706213) == (date(1970, 12, 13), "F")
    assert berka.birth(450204) == (date(1945, 2, 4), "M")


def test_the_moment_of_knowing_is_before_the_day_of_the_loan():
    assert berka.as_of(date(1993, 7, 5)) == datetime(1993, 7, 4, 23, 59, 59, 999999, tzinfo=UTC)


def test_a_borrower_keeps_its_id():
    assert str(berka.borrower_id(576)) == "49fb00fc-fe08-57d1-bd20-e954d55334c9"


@needs_data
def test_every_owner_is_a_borrower_and_every_loan_has_one():
    borrowers = {one.id: one for one in berka.read_borrowers(DATA)}
    loans = list(berka.read_loans(DATA))
    assert len(borrowers) == 4295 and len(loans) == 477 and sum(loan.bad for loan in loans) == 53
    assert sum(one.second_holder for one in borrowers.values()) == 821
    assert all(borrowers[loan.borrower_id].opened_date < loan.granted_date for loan in loans)
    assert all(loan.amount == loan.monthly_payment * loan.term_months for loan in loans)


@needs_data
def test_overlapping_files_give_each_movement_once():
    ids = Counter(event.source_id for event in berka.read_events(DATA))
    assert len(ids) == 79_984 and max(ids.values()) == 1  # 37,889 + 46,959 rows, 4,864 in both


@needs_data
def test_money_in_is_positive_and_money_out_negative():
    ins = {"bank.cash_deposit", "bank.transfer_in", "bank.pension", "bank.interest"}
    for event in berka.read_events(DATA):
        assert (event.value > 0) == (event.event_type in ins), event
        assert event.event_type in berka.EVENT_TYPES
        assert Decimal(event.payload["balance"]).as_tuple().exponent == -2
