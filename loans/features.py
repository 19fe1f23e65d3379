"""What can be known about a borrower from the movements on their account. Amounts in CZK, money out negative."""

from datetime import timedelta

from features.definitions import FeatureSet, agg, uses
from loans.events import InstalmentMissed, InstalmentRepaid, LoanDeclined, LoanRequested, borrower

DAYS_7, DAYS_30, DAYS_90, DAYS_180 = agg.days(7), agg.days(30), agg.days(90), agg.days(180)
PENALTY = ["bank.penalty_interest"]
HOUSEHOLD = ["bank.household_payment"]
REMITTANCE = ["bank.household_payment", "bank.insurance_payment", "bank.loan_payment", "bank.transfer_out"]


class CoreBehavioral(
    FeatureSet,
    name="core_behavioral",
    version="v1",
    entity=borrower,
    owner="lending",
    tags=["behaviour", "scorecard"],
    freshness=timedelta(days=1),
):
    """How much moves on the account, how often, how evenly, and how often it fails.

    A failure is a charge of penalty interest: the account was overdrawn.
    """

    event_count_7d = agg.count(over=DAYS_7, description="Movements on the account")
    event_count_30d = agg.count(over=DAYS_30, description="Movements on the account")
    event_count_90d = agg.count(over=DAYS_90, description="Movements on the account")
    event_count_180d = agg.count(over=DAYS_180, description="Movements on the account")
    inflow_sum_30d = agg.sum(above=0, over=DAYS_30, unit="CZK", description="Money in")
    inflow_sum_90d = agg.sum(above=0, over=DAYS_90, unit="CZK", description="Money in")
    inflow_sum_180d = agg.sum(above=0, over=DAYS_180, unit="CZK", description="Money in")
    outflow_sum_30d = agg.sum(below=0, over=DAYS_30, unit="CZK", description="Money out, zero or negative")
    outflow_sum_90d = agg.sum(below=0, over=DAYS_90, unit="CZK", description="Money out, zero or negative")
    outflow_sum_180d = agg.sum(below=0, over=DAYS_180, unit="CZK", description="Money out, zero or negative")
    value_mean_30d = agg.mean(over=DAYS_30, unit="CZK", description="Average signed movement")
    value_mean_180d = agg.mean(over=DAYS_180, unit="CZK", description="Average signed movement")
    value_stddev_180d = agg.stddev(over=DAYS_180, unit="CZK", description="Spread of signed movements")
    inflow_stddev_90d = agg.stddev(above=0, over=DAYS_90, unit="CZK", description="Spread of amounts received")
    inflow_max_180d = agg.max(above=0, over=DAYS_180, unit="CZK", description="Largest amount received")
    outflow_min_180d = agg.min(below=0, over=DAYS_180, unit="CZK", description="Largest amount paid, negative")
    event_days_since_last = agg.days_since_last(description="Since the last movement")
    inflow_days_since_last = agg.days_since_last(above=0, description="Since money last came in")
    event_types_30d = agg.distinct(over=DAYS_30, description="Different kinds of movement")
    event_types_180d = agg.distinct(over=DAYS_180, description="Different kinds of movement")
    failure_ratio_90d = agg.ratio(types=PENALTY, over=DAYS_90, description="Movements that are penalty interest")
    failure_ratio_180d = agg.ratio(types=PENALTY, over=DAYS_180, description="Movements that are penalty interest")


class AccountConduct(
    FeatureSet,
    name="account_conduct",
    version="v1",
    entity=borrower,
    owner="lending",
    tags=["balance", "scorecard"],
    freshness=timedelta(days=1),
):
    """How the account is kept: its balance, the bills paid from it, and the cash that moves through it."""

    balance_last = agg.last("balance", unit="CZK", description="Balance after the last movement")
    balance_min_all = agg.min("balance", unit="CZK", description="Lowest balance on record")
    balance_min_90d = agg.min("balance", over=DAYS_90, unit="CZK", description="Lowest balance")
    balance_min_180d = agg.min("balance", over=DAYS_180, unit="CZK", description="Lowest balance")
    balance_mean_90d = agg.mean("balance", over=DAYS_90, unit="CZK", description="Average balance after a movement")
    balance_mean_180d = agg.mean("balance", over=DAYS_180, unit="CZK", description="Average balance after a movement")
    balance_stddev_180d = agg.stddev("balance", over=DAYS_180, unit="CZK", description="Spread of the balance")
    interest_min_180d = agg.min(
        types=["bank.interest"], over=DAYS_180, unit="CZK", description="Lowest interest credited in a month"
    )
    cash_deposit_max_180d = agg.max(
        types=["bank.cash_deposit"], over=DAYS_180, unit="CZK", description="Largest cash deposit"
    )
    cash_out_sum_90d = agg.sum(
        types=["bank.card_withdrawal", "bank.cash_withdrawal"],
        over=DAYS_90,
        unit="CZK",
        description="Cash and card withdrawals",
    )
    remittance_count_180d = agg.count(types=REMITTANCE, over=DAYS_180, description="Payments to other banks")
    household_payment_count_90d = agg.count(types=HOUSEHOLD, over=DAYS_90, description="Household payments")
    household_payment_ratio_90d = agg.ratio(types=HOUSEHOLD, over=DAYS_90, description="Household payments")
    insurance_payment_count_180d = agg.count(
        types=["bank.insurance_payment"], over=DAYS_180, description="Insurance payments"
    )
    penalty_interest_count_180d = agg.count(types=PENALTY, over=DAYS_180, description="Penalty interest charged")


class CashFlow(
    FeatureSet,
    name="cash_flow",
    version="v1",
    entity=borrower,
    owner="lending",
    tags=["income", "scorecard"],
    freshness=timedelta(days=1),
):
    """What comes in, what of it is bound by payments to others, and what is left, over half a year."""

    net_flow_180d = agg.sum(over=DAYS_180, unit="CZK", description="Money in less money out")
    received_sum_180d = agg.sum(above=0, over=DAYS_180, unit="CZK", description="Money in")
    received_mean_180d = agg.mean(above=0, over=DAYS_180, unit="CZK", description="Average amount received")
    paid_sum_180d = agg.sum(below=0, over=DAYS_180, unit="CZK", description="Money out, zero or negative")
    remittance_sum_180d = agg.sum(
        types=REMITTANCE, over=DAYS_180, unit="CZK", description="Payments to other banks, zero or negative"
    )
    cash_paid_in_sum_180d = agg.sum(
        types=["bank.cash_deposit"], over=DAYS_180, unit="CZK", description="Cash deposited"
    )
    cash_taken_sum_180d = agg.sum(
        types=["bank.card_withdrawal", "bank.cash_withdrawal"],
        over=DAYS_180,
        unit="CZK",
        description="Cash and card withdrawals, zero or negative",
    )
    household_payment_count_180d = agg.count(types=HOUSEHOLD, over=DAYS_180, description="Household payments")
    card_withdrawal_count_180d = agg.count(
        types=["bank.card_withdrawal"], over=DAYS_180, description="Withdrawals with a credit card"
    )
    remittance_share_180d = agg.derived(
        0 - remittance_sum_180d / received_sum_180d,
        unit="share",
        description="Of the money received, what payments to other banks took; null when nothing came in",
    )
    cash_deposit_share_180d = agg.derived(
        cash_paid_in_sum_180d / received_sum_180d,
        unit="share",
        description="Of the money received, what was cash; null when nothing came in",
    )
    cash_taken_share_180d = agg.derived(
        cash_taken_sum_180d / paid_sum_180d,
        unit="share",
        description="Of the money paid, what was taken as cash; null when nothing went out",
    )


class LendingHistory(
    FeatureSet,
    name="lending_history",
    version="v1",
    entity=borrower,
    source=[LoanRequested, LoanDeclined, InstalmentRepaid, InstalmentMissed],
    owner="lending",
    tags=["lending"],
    freshness=timedelta(days=1),
):
    """What a borrower has asked of us, how often we refused, and how they repay."""

    requests_30d = agg.count(types=["loans.requested"], over=DAYS_30, unit="requests", description="Loans asked for")
    declines_180d = agg.count(types=["loans.declined"], over=DAYS_180, unit="requests", description="Requests declined")
    repayments = agg.count(types=["loans.repaid"], unit="instalments", description="Instalments repaid")
    repaid_sum = agg.sum(types=["loans.repaid"], unit="CZK", description="Sum of the instalments repaid")
    missed_90d = agg.count(types=["loans.missed"], over=DAYS_90, unit="instalments", description="Instalments missed")
    missed = agg.count(types=["loans.missed"], unit="instalments", description="Instalments missed")
    days_late_max_180d = agg.max(
        "days_late", types=["loans.repaid"], over=DAYS_180, unit="days", description="Longest delay of an instalment"
    )
    days_since_last_request = agg.days_since_last(types=["loans.requested"], description="Since a loan was asked for")


uses(
    "loans.scorecard",
    CoreBehavioral,
    AccountConduct,
    CashFlow,
    kind="model",
    description="Points for behaviour in the decision on a loan request",
)
