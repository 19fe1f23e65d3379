from django.apps import AppConfig

from base.roles import Role


class LoansConfig(AppConfig):
    name = "loans"
    verbose_name = "Loans"
    console_permissions = {
        Role.REVIEWER: ["loans.view_*", "loans.decide_reviewitem"],
        Role.OPERATOR: ["loans.view_*"],
        Role.ANALYST: ["loans.view_loanrequest", "loans.view_creditdecision", "loans.view_loan"],
    }
