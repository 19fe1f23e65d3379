"""What the cards look at: the application, the borrower's features, and what only both together say. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from loans.scorecard import HISTORY, Value

DEFAULT_TERM_MONTHS = 24
MAX_PAYMENT_TO_INCOME = 10.0
INCOME_MONTHS = 6
DAYS_PER_MONTH = 365.25 / 12


@dataclass(frozen=True, slots=True)
class Application:
    """What is asked for, and by whom. requested_amount: CZK, more than 0; term_months: more than 0.

    second_holder: whether somebody else disposes of the account too; customer_days: since the account was opened;
    None: not known.
    """

    requested_amount: float
    term_months: int = DEFAULT_TERM_MONTHS
    second_holder: bool | None = None
    customer_days: int | None = None

    @property
    def monthly_payment(self) -> float:
        """Amount over term, as in the loans of the training data, which state no interest."""
        return float(self.requested_amount) / self.term_months


def card_inputs(application: Application, features: Mapping[str, float | None]) -> dict[str, Value]:
    """What the cards look at: the application, the features, and what only both together say.

    features: values of core_behavioral@v1, account_conduct@v1 and cash_flow@v1 as of the request; amounts in CZK;
    empty when nothing is known. Covers are counted in monthly payments, net_flow_cover per month of 180 days.
    payment_to_income and burden (the payment and all other remittances) are shares of the average monthly inflow of
    180 days, 10 at most, also when nothing came in. With a history, no cash deposit is one of 0.
    """
    payment = application.monthly_payment
    known, days = application.second_holder, application.customer_days
    inflow, remitted = features.get("inflow_sum_180d"), features.get("remittance_sum_180d")
    inputs: dict[str, Value] = dict(features)
    inputs |= {
        "monthly_payment": payment,
        "requested_amount": float(application.requested_amount),
        "term_months": float(application.term_months),
        "second_holder": None if known is None else float(known),
        "customer_months": None if days is None else days / DAYS_PER_MONTH,
        "lowest_balance_cover_all": _over(features.get("balance_min_all"), payment),
        "lowest_balance_cover_180d": _over(features.get("balance_min_180d"), payment),
        "mean_balance_cover_180d": _over(features.get("balance_mean_180d"), payment),
        "last_balance_cover": _over(features.get("balance_last"), payment),
        "mean_income_cover_180d": _over(features.get("received_mean_180d"), payment),
        "net_flow_cover_180d": _over(features.get("net_flow_180d"), payment * INCOME_MONTHS),
        "balance_variation_180d": _over(features.get("balance_stddev_180d"), features.get("balance_mean_180d")),
        "payment_to_income_180d": payment_to_income(payment, inflow),
        "burden_180d": None if remitted is None else payment_to_income(payment - remitted / INCOME_MONTHS, inflow),
    }
    if features.get(HISTORY) and inputs.get("cash_deposit_max_180d") is None:
        inputs["cash_deposit_max_180d"] = 0.0
    return inputs


def payment_to_income(payment: float, inflow_sum_180d: float | None) -> float | None:
    if inflow_sum_180d is None:
        return None
    income = float(inflow_sum_180d) / INCOME_MONTHS
    return MAX_PAYMENT_TO_INCOME if income <= 0 else min(MAX_PAYMENT_TO_INCOME, payment / income)


def _over(amount: float | None, by: float | None) -> float | None:
    return float(amount) / float(by) if amount is not None and by else None
