from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate

from base.roles import Role


class ReportsConfig(AppConfig):
    name = "reports"
    verbose_name = "Reports"
    console_permissions = {
        Role.REVIEWER: [
            "reports.view_*",
            "reports.decide_reviewitem",
            "reports.handle_report",
            "reports.merge_duplicatelink",
        ],
        Role.OPERATOR: ["reports.view_*", "reports.change_department", "reports.change_category"],
        Role.ANALYST: ["reports.view_*"],
    }

    def ready(self) -> None:
        from accounts.services import closing
        from base.metrics import register_collector
        from reports import checks  # noqa: F401 - registers itself
        from reports.review.watch import ReviewCollector

        register_collector(ReviewCollector())
        post_migrate.connect(ship_after_migrate, sender=self)
        closing.connect(forget_behind, dispatch_uid="reports_forget")


def forget_behind(sender: Any, *, user: Any, **kwargs: Any) -> None:
    """Whoever deletes their account need not wait until all they reported is without them."""
    from reports import tasks

    tasks.forget_reporter.using(subject=("user", str(user.pk))).enqueue(user_id=user.pk)


def ship_after_migrate(sender: AppConfig, **kwargs: Any) -> None:
    from reports import categories
    from reports.open311 import shipped

    categories.ship()
    shipped.ship()
