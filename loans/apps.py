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

        post_migrate.connect(ship_after_migrate, sender=self)


def ship_after_migrate(sender: AppConfig, **kwargs: Any) -> None:
    from loans.policy.shipping import ship

    ship()
