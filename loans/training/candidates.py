"""What the cards of a bank's borrowers may look at, which way each points, and what a borrower is told.

Written down by meaning before fitting: one window for each idea, half a year, the longest that features have. The fit
chooses among them. Sex, age and district are known and never used (12 CFR 1002.6(b)).
"""

from __future__ import annotations

from loans.scorecard import APPLICATION, BEHAVIOUR, Reason
from loans.training.table import Candidate, Trend

NO_HISTORY = Reason("H01", "Insufficient bank account history")
UNVERIFIED = Reason("H02", "Unable to verify who holds the account")
UNKNOWN_SINCE = Reason("H03", "Unable to verify length of relationship with the bank")


def _asked(name: str, trend: Trend, unit: str, code: str, text: str, missing: Reason = NO_HISTORY) -> Candidate:
    return Candidate(name, trend, unit, Reason(code, text), missing, APPLICATION)


def _seen(name: str, trend: Trend, unit: str, code: str, text: str) -> Candidate:
    return Candidate(name, trend, unit, Reason(code, text), NO_HISTORY, BEHAVIOUR)


CANDIDATES = (
    _asked("monthly_payment", "falling", "CZK", "A01", "Monthly payment requested is too large"),
    _asked("term_months", "falling", "months", "A02", "Term requested is too long"),
    _asked("second_holder", "rising", "0 or 1", "A03", "Account has a single holder", UNVERIFIED),
    _asked("customer_months", "rising", "months", "A04", "Length of relationship is too short", UNKNOWN_SINCE),
    _seen("lowest_balance_cover_all", "rising", "payments", "B01",
          "Lowest account balance on record is too low for the monthly payment requested"),
    _seen("mean_balance_cover_180d", "rising", "payments", "B02",
          "Average account balance is too low for the monthly payment requested"),
    _seen("interest_min_180d", "rising", "CZK", "B04",
          "Low interest-bearing balance in at least one of the last six months"),
    _seen("payment_to_income_180d", "falling", "share", "B05", "Income insufficient for amount of credit requested"),
    _seen("cash_deposit_max_180d", "falling", "CZK", "B07", "Large cash deposits within the last 180 days"),
    _seen("household_payment_ratio_90d", "rising", "share", "B08",
          "Too few regular household payments from the account"),
    _seen("household_payment_count_180d", "rising", "payments", "B08",
          "Too few regular household payments from the account"),
    _seen("event_types_180d", "rising", "types", "B09", "Limited use of the account"),
    _seen("penalty_interest_count_180d", "falling", "charges", "B10",
          "Account overdrawn and charged penalty interest within the last 180 days"),
    _seen("lowest_balance_cover_180d", "rising", "payments", "B11",
          "Lowest account balance within the last 180 days is too low for the monthly payment requested"),
    _seen("last_balance_cover", "rising", "payments", "B12",
          "Latest account balance is too low for the monthly payment requested"),
    _seen("balance_last", "rising", "CZK", "B13", "Latest account balance is low"),
    _seen("balance_variation_180d", "falling", "of the mean", "B14",
          "Account balance varies too much for its average"),
    _seen("net_flow_cover_180d", "rising", "payments", "B15",
          "Money left over each month is too little for the monthly payment requested"),
    _seen("mean_income_cover_180d", "rising", "payments", "B16",
          "Amounts received are too small for the monthly payment requested"),
    _seen("burden_180d", "falling", "share", "B17", "Payments due are too large for the income received"),
    _seen("remittance_share_180d", "rising", "share", "B18", "Too few regular payments from the account to others"),
    _seen("insurance_payment_count_180d", "rising", "payments", "B19", "No regular insurance payments"),
    _seen("cash_deposit_share_180d", "falling", "share", "B20", "Income received is mostly in cash"),
    _seen("cash_taken_share_180d", "falling", "share", "B21", "Money is mostly withdrawn as cash"),
    _seen("card_withdrawal_count_180d", "rising", "withdrawals", "B22", "No use of a credit card"),
    _seen("event_days_since_last", "falling", "days", "B23", "Account not used recently"),
)  # fmt: skip


def candidates_of(card: str) -> tuple[Candidate, ...]:
    """The behaviour card looks at everything, the application card at the application alone."""
    return tuple(one for one in CANDIDATES if card == BEHAVIOUR or one.part == APPLICATION)
