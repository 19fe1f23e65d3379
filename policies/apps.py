from django.apps import AppConfig

from base.roles import Role


class PoliciesConfig(AppConfig):
    name = "policies"
    verbose_name = "Policies"
    console_permissions = {
        Role.OPERATOR: ["policies.view_*"],
        Role.ANALYST: ["policies.view_*"],
    }
