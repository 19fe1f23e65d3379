from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate

from base.roles import Role


class LoansConfig(AppConfig):
    name = "loans"
    verbose_name = "Loans"
    console_permissions = {
        Role.REVIEWER: [
            "loans.view_*",
            "loans.decide_reviewitem",
            "loans.see_fraud_evidence",
            "loans.draft_policyversion",
            "loans.approve_policyversion",
        ],
        Role.OPERATOR: ["loans.view_*"],
        Role.ANALYST: [
            "loans.view_loanrequest",
            "loans.view_creditdecision",
            "loans.view_loan",
            "loans.view_policyversion",
            "loans.view_policytrial",
        ],
    }

    def ready(self) -> None:
        import loans.policy.admin  # noqa: F401 - Django finds only loans.admin by itself
        from accounts.services import closing

        post_migrate.connect(ship_after_migrate, sender=self)
        closing.connect(refuse_unfinished, dispatch_uid="loans_unfinished")


def refuse_unfinished(sender: Any, *, user: Any, **kwargs: Any) -> None:
    """Nobody goes while they owe, or are owed an answer; what is finished is kept as lenders must."""
    from accounts.services import StillNeeded
    from loans.models import Loan
    from loans.notices.issue import not_told

    owed = Loan.objects.filter(borrower__user=user, outcome__in=[Loan.Outcome.RUNNING, Loan.Outcome.IN_DEBT])
    if owed.exists() or not_told().filter(borrower__user=user).exists():
        raise StillNeeded("There is a loan that is not repaid, or a request that is not answered yet.")


def ship_after_migrate(sender: AppConfig, **kwargs: Any) -> None:
    from loans.policy.shipping import ship

    ship()
