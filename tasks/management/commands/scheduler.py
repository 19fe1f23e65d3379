"""Run the scheduler process."""

from typing import Any

from django.core.management.base import BaseCommand

from tasks import scheduler


class Command(BaseCommand):
    help = "Ring for due tasks, take tasks back from dead workers, seal the audit trail, start periodic tasks."

    def handle(self, *args: Any, **options: Any) -> None:
        scheduler.build().start()
