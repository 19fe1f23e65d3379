"""Public credit tables, declared: the same trainer on other lenders' cases.

Sources: German credit and Taiwan card clients, UCI Machine Learning Repository (CC BY 4.0); HMEQ home equity loans,
creditriskanalytics.net; Give Me Some Credit, Kaggle. Sex, marital status and nationality are never candidates; age is
one that may only count for the older (12 CFR 1002.6(b)(2)).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from loans.scorecard import Reason
from loans.training.binning import Settings
from loans.training.card import Subject, application_only
from loans.training.table import Candidate, Table, Trend, column_of

MANY = 20_000


@dataclass(frozen=True, slots=True)
class Declaration:
    """outcome: the column of the label and the value that is bad. characteristics: column, trend, unit, and what a
    borrower is told."""

    title: str
    outcome: tuple[str, int]
    characteristics: tuple[tuple[str, Trend, str, str], ...]

    def candidates(self) -> list[Candidate]:
        return [
            Candidate(name, trend, unit, Reason(f"T{number:02}", text), Reason(f"M{number:02}", f"Not known: {name}"))
            for number, (name, trend, unit, text) in enumerate(self.characteristics, start=1)
        ]


GERMAN = Declaration(
    "German credit",
    ("class", 2),
    (
        ("checking_status", "levels", "code", "State of the checking account"),
        ("duration", "falling", "months", "Term requested is too long"),
        ("credit_history", "levels", "code", "Credit history"),
        ("purpose", "levels", "code", "Purpose of the loan"),
        ("credit_amount", "free", "DM", "Amount requested"),
        ("savings", "levels", "code", "Savings are too low"),
        ("employment", "levels", "code", "Length of employment"),
        ("installment_rate", "falling", "% of income", "Instalments are too large for the income"),
        ("other_parties", "levels", "code", "No guarantor"),
        ("residence_since", "free", "years", "Length of residence"),
        ("property_magnitude", "levels", "code", "Value of property"),
        ("age", "rising", "years", "Age of the applicant"),
        ("other_payment_plans", "levels", "code", "Other instalment plans"),
        ("housing", "levels", "code", "Kind of housing"),
        ("existing_credits", "free", "credits", "Number of credits at this bank"),
        ("job", "levels", "code", "Kind of employment"),
        ("telephone", "levels", "code", "No telephone"),
    ),
)
MONTHS = (0, 2, 3, 4, 5, 6)
TAIWAN = Declaration(
    "Taiwan card clients",
    ("default.payment.next.month", 1),
    (
        ("LIMIT_BAL", "rising", "NT$", "Credit limit is low"),
        ("EDUCATION", "levels", "code", "Education"),
        ("AGE", "rising", "years", "Age of the applicant"),
        *((f"PAY_{month}", "free", "months late", f"Payments were late (month {month})") for month in MONTHS),
        *((f"BILL_AMT{month}", "free", "NT$", f"Amount billed (month {month})") for month in range(1, 7)),
        *((f"PAY_AMT{month}", "rising", "NT$", f"Amount paid is low (month {month})") for month in range(1, 7)),
    ),
)
HMEQ = Declaration(
    "HMEQ home equity loans",
    ("BAD", 1),
    (
        ("LOAN", "free", "USD", "Amount requested"),
        ("MORTDUE", "free", "USD", "Amount due on the mortgage"),
        ("VALUE", "free", "USD", "Value of the property"),
        ("REASON", "levels", "code", "Purpose of the loan"),
        ("JOB", "levels", "code", "Kind of employment"),
        ("YOJ", "rising", "years", "Length of employment"),
        ("DEROG", "falling", "reports", "Derogatory credit reports"),
        ("DELINQ", "falling", "lines", "Delinquent credit lines"),
        ("CLAGE", "rising", "months", "Length of credit history"),
        ("NINQ", "falling", "inquiries", "Number of recent inquiries"),
        ("CLNO", "free", "lines", "Number of credit lines"),
        ("DEBTINC", "falling", "%", "Debt is too large for the income"),
    ),
)
GMSC = Declaration(
    "Give Me Some Credit",
    ("SeriousDlqin2yrs", 1),
    (
        ("RevolvingUtilizationOfUnsecuredLines", "falling", "share", "Credit lines are used too far"),
        ("age", "rising", "years", "Age of the applicant"),
        ("NumberOfTime30-59DaysPastDueNotWorse", "falling", "times", "Payments 30 to 59 days late"),
        ("DebtRatio", "free", "share", "Debt is too large for the income"),
        ("MonthlyIncome", "rising", "USD", "Income is too low"),
        ("NumberOfOpenCreditLinesAndLoans", "free", "lines", "Number of credit lines"),
        ("NumberOfTimes90DaysLate", "falling", "times", "Payments 90 days late or more"),
        ("NumberRealEstateLoansOrLines", "free", "lines", "Number of real estate loans"),
        ("NumberOfTime60-89DaysPastDueNotWorse", "falling", "times", "Payments 60 to 89 days late"),
        ("NumberOfDependents", "free", "persons", "Number of dependents"),
    ),
)
DECLARATIONS = {"german": GERMAN, "taiwan": TAIWAN, "hmeq": HMEQ, "gmsc": GMSC}


def read(name: str, folder: Path, *, without: Collection[str] = ()) -> tuple[Subject, Table]:
    """The declared columns of `<folder>/<name>.parquet`."""
    import pyarrow.parquet as pq

    declared = DECLARATIONS[name]
    candidates = [one for one in declared.candidates() if one.name not in without]
    label, bad = declared.outcome
    stored = pq.read_table(folder / f"{name}.parquet", columns=[label, *(one.name for one in candidates)])
    table = Table(
        columns={one.name: column_of(stored[one.name].to_pylist(), one) for one in candidates},
        bad=np.array([int(value == bad) for value in stored[label].to_pylist()], dtype=np.int64),
        groups=np.arange(stored.num_rows),
    )
    return Subject(declared.title, application_only(candidates)), table


def settings_for(cases: int) -> Settings:
    """Many cases bear more and smaller bins, and need fewer repeats."""
    many = replace(Settings(), bins=8, min_share=0.02, repeats=3, draws=100, shuffles=2)
    return replace(many, repeats=1, draws=50, shuffles=1) if cases >= MANY else many
