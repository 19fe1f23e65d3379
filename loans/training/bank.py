"""Stored loans as a table: features as they were just before each loan, from the feature store."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, time, timedelta
from typing import Any

from features.services import point_in_time
from loans.features import AccountConduct, CashFlow, CoreBehavioral
from loans.inputs import Application, card_inputs
from loans.models import Loan
from loans.scorecard import APPLICATION, BEHAVIOUR
from loans.training.candidates import CANDIDATES, candidates_of
from loans.training.card import Subject
from loans.training.table import Row, Table, table_of

SETS = (CoreBehavioral, AccountConduct, CashFlow)
OUT_OF_TIME_FROM = "1997-01-01"
LAST_EVENT = "event_days_since_last"
STEP = 500
NOTES = (
    "Sex, age and district are known and not used; sex, marital status and age as such may not be "
    "(12 CFR 1002.6(b)). A second holder of the account may stand for marriage: whoever uses this card has to judge "
    "that, and can train one without it (--without second_holder).",
    "The candidates were written down by meaning and direction, but by people who had looked at these loans. Tried "
    "with them in view: lists of 10, 17, 26, 37 and 41 characteristics, bins by tree and by quantile, 6 or 8 of them, "
    "and a few strengths of smoothing and penalty. Cross-validated areas of points cards lay between .898 and .930, so "
    "expect a hundredth or two less on new loans than these figures say.",
    "Loans that were granted, by one bank, 1993 to 1998: nothing is known of those that were refused.",
)


def subject(*, without: Collection[str] = ()) -> Subject:
    """The cards of a bank's borrowers."""
    cards = {part: [one for one in candidates_of(part) if one.name not in without] for part in (APPLICATION, BEHAVIOUR)}
    definitions = [{"name": s.name, "version": s.version, "checksum": s.checksum()} for s in SETS]
    return Subject("Borrowers of a bank", cards, definitions, OUT_OF_TIME_FROM, NOTES)


def stored_loans(about: Subject, *, later_days: int = 0) -> Table:
    """One row for each past loan, with features as of the last moment before its date: nothing later is seen.

    later_days: look that much later on purpose, for a control that must be found out.
    """
    loans = list(Loan.objects.select_related("borrower").order_by("granted_date", "pk"))
    rows: list[Row] = []
    for start in range(0, len(loans), STEP):
        part = loans[start : start + STEP]
        moments = [just_before(loan) + timedelta(days=later_days) for loan in part]
        spine = [(str(loan.borrower_id), moment) for loan, moment in zip(part, moments, strict=True)]
        known = [point_in_time(feature_set, spine) for feature_set in SETS]
        for loan, moment, *served in zip(part, moments, *known, strict=True):
            values = {name: value for row in served for name, value in row.values().items()}
            rows.append(row_of(loan, moment, {n: None if v is None else float(v) for n, v in values.items()}))
    return table_of(rows, [one for one in CANDIDATES if any(one in card for card in about.cards.values())])


def row_of(loan: Any, moment: datetime, features: dict[str, float | None]) -> Row:
    """features: as of `moment`."""
    since = loan.borrower.customer_since
    application = Application(
        float(loan.amount),
        loan.term_months,
        loan.borrower.second_holder,
        None if since is None else (loan.granted_date - since).days,
    )
    return {
        "borrower_id": str(loan.borrower_id),
        "decision_date": loan.granted_date,
        "bad": loan.is_bad,
        "inputs": card_inputs(application, features),
        "latest_event": latest_event(moment, features[LAST_EVENT]),
    }


def latest_event(moment: datetime, days_since: float | None) -> datetime | None:
    """To the millisecond: ages are floats."""
    if days_since is None:
        return None
    found = moment - timedelta(days=days_since)
    return found + timedelta(milliseconds=1) - timedelta(microseconds=found.microsecond % 1000)


def just_before(loan: Any) -> datetime:
    return datetime.combine(loan.granted_date, time(), UTC) - timedelta(microseconds=1)
