from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate

from base.roles import Role


class ReportsConfig(AppConfig):
    name = "reports"
    verbose_name = "Reports"
    console_permissions = {
        Role.REVIEWER: ["reports.view_*"],
        Role.OPERATOR: ["reports.view_*"],
        Role.ANALYST: ["reports.view_*"],
    }

    def ready(self) -> None:
        post_migrate.connect(ship_after_migrate, sender=self)


def ship_after_migrate(sender: AppConfig, **kwargs: Any) -> None:
    from reports.categories import ship

    ship()
