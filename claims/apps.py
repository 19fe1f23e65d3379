from django.apps import AppConfig

from base.roles import Role


class ClaimsConfig(AppConfig):
    name = "claims"
    verbose_name = "Claims"
    console_permissions = {
        Role.REVIEWER: ["claims.view_*", "claims.verify_claim"],
        Role.OPERATOR: ["claims.view_*", "claims.verify_claim"],
        Role.ANALYST: ["claims.view_*"],
    }
