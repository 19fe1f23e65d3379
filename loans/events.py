"""What happens to a borrower's money, as their bank tells it. Amounts in the bank's currency, money out negative."""

from decimal import Decimal

from features.definitions import Entity, Event

borrower = Entity(name="borrower", description="Somebody who asks for loans.")


class BankMovement(Event, entity=borrower, value="amount"):
    """A movement on the borrower's account. `balance` is what the account held after it."""

    amount: Decimal
    balance: Decimal | None = None
    purpose: str | None = None


class CashDeposited(BankMovement, name="bank.cash_deposit"):
    """Cash paid in."""


class TransferReceived(BankMovement, name="bank.transfer_in"):
    """Money from an account at another bank."""


class PensionReceived(BankMovement, name="bank.pension"):
    """A pension was paid in."""


class InterestCredited(BankMovement, name="bank.interest"):
    """Interest on a positive balance."""


class CashWithdrawn(BankMovement, name="bank.cash_withdrawal"):
    """Cash taken out."""


class CardWithdrawn(BankMovement, name="bank.card_withdrawal"):
    """Cash taken out with a credit card."""


class TransferSent(BankMovement, name="bank.transfer_out"):
    """Money to an account at another bank."""


class HouseholdPaid(BankMovement, name="bank.household_payment"):
    """A household payment by transfer."""


class InsurancePaid(BankMovement, name="bank.insurance_payment"):
    """An insurance premium by transfer."""


class LoanPaid(BankMovement, name="bank.loan_payment"):
    """A loan instalment by transfer."""


class FeeCharged(BankMovement, name="bank.statement_fee"):
    """The bank's fee for statements."""


class PenaltyInterestCharged(BankMovement, name="bank.penalty_interest"):
    """Interest on a negative balance: the account was overdrawn."""
