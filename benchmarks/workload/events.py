"""What happens on an account. All of it is synthetic."""

from decimal import Decimal

from features.definitions import Entity, Event

holder = Entity(name="holder", description="Somebody with an account.")


class Movement(Event, entity=holder, value="amount"):
    """Money in is positive, money out negative."""

    amount: Decimal
    balance: Decimal | None = None


class CashDeposited(Movement, name="account.cash_deposit"):
    """Cash paid in."""


class TransferReceived(Movement, name="account.transfer_in"):
    """Money from another account."""


class InterestCredited(Movement, name="account.interest"):
    """Interest."""


class CashWithdrawn(Movement, name="account.cash_withdrawal"):
    """Cash taken out."""


class HouseholdPaid(Movement, name="account.household_payment"):
    """A household payment."""


class TransferSent(Movement, name="account.transfer_out"):
    """Money to another account."""


class FeeCharged(Movement, name="account.statement_fee"):
    """A fee."""


class PenaltyCharged(Movement, name="account.penalty_interest"):
    """Interest on a negative balance."""
