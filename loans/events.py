"""What happens to a borrower's money, as their bank tells it. Amounts in the bank's currency, money out negative."""

from decimal import Decimal
from typing import ClassVar

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


class LendingEvent(Event, entity=borrower):
    """What happens between a borrower and us. Apart, since older sets count all movements on the account."""

    apart: ClassVar[bool] = True


class LoanRequested(LendingEvent, name="loans.requested"):
    """A loan was asked for."""

    request_id: str
    requested_amount: Decimal


class LoanDecided(LendingEvent):
    """A request was decided: by the machine, or by a reviewer after it."""

    request_id: str
    decision: int


class LoanApproved(LoanDecided, name="loans.approved"):
    """The loan may be had."""


class LoanReferred(LoanDecided, name="loans.referred"):
    """A reviewer has to look."""


class LoanDeclined(LoanDecided, name="loans.declined"):
    """The loan was refused."""


class InstalmentDue(LendingEvent, value="amount"):
    """An instalment of a loan of ours, and what became of it."""

    request_id: str
    instalment: int
    amount: Decimal


class InstalmentRepaid(InstalmentDue, name="loans.repaid"):
    """It was paid. `days_late` is 0 when it was in time."""

    days_late: int = 0


class InstalmentMissed(InstalmentDue, name="loans.missed"):
    """Its date and the days of grace went by unpaid."""
