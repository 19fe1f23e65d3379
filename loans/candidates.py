"""What the cards may look at, which way each should point, and what a borrower is told when points are lost there."""

from __future__ import annotations

from dataclasses import dataclass

from loans.scorecard import APPLICATION, BEHAVIOUR, Reason


@dataclass(frozen=True, slots=True)
class Candidate:
    """A characteristic before fitting. rising: whether a higher value is better. edges: fixed instead of fitted."""

    name: str
    part: str
    rising: bool
    unit: str
    code: str
    text: str
    edges: tuple[float, ...] | None = None


NO_HISTORY = Reason("H01", "Insufficient bank account history")
CANDIDATES = (
    Candidate("monthly_payment", APPLICATION, False, "CZK", "A01", "Monthly payment requested is too large"),
    Candidate(
        "lowest_balance_cover_all",
        BEHAVIOUR,
        True,
        "payments",
        "B01",
        "Lowest account balance on record is too low for the monthly payment requested",
    ),
    Candidate(
        "mean_balance_cover_180d",
        BEHAVIOUR,
        True,
        "payments",
        "B02",
        "Average account balance is too low for the monthly payment requested",
    ),
    Candidate("balance_min_90d", BEHAVIOUR, True, "CZK", "B03", "Low account balance within the last 90 days"),
    Candidate(
        "interest_min_180d",
        BEHAVIOUR,
        True,
        "CZK",
        "B04",
        "Low interest-bearing balance in at least one of the last six months",
    ),
    Candidate(
        "payment_to_income_180d",
        BEHAVIOUR,
        False,
        "share",
        "B05",
        "Income insufficient for amount of credit requested",
    ),
    Candidate("cash_deposit_max_180d", BEHAVIOUR, False, "CZK", "B07", "Large cash deposits within the last 180 days"),
    Candidate(
        "household_payment_ratio_90d",
        BEHAVIOUR,
        True,
        "share",
        "B08",
        "Too few regular household payments from the account",
    ),
    Candidate("event_types_180d", BEHAVIOUR, True, "types", "B09", "Limited use of the account"),
    Candidate(
        "failure_ratio_180d",
        BEHAVIOUR,
        False,
        "share",
        "B10",
        "Account overdrawn and charged penalty interest within the last 180 days",
        edges=(0.001,),
    ),
)


def candidates_of(card: str) -> tuple[Candidate, ...]:
    """The behaviour card looks at everything, the application card at the application alone."""
    return tuple(one for one in CANDIDATES if card == BEHAVIOUR or one.part == APPLICATION)
