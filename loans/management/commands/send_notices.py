"""Issue the notices that wait, now instead of in ten minutes."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from base.context import acting, new_correlation_id
from loans.models import Notice
from loans.notices.issue import overdue_count
from loans.tasks import send_notices


class Command(BaseCommand):
    help = "Issue a notice for each decline that has none; those with an address are mailed behind. Repeat as you like."

    def handle(self, *args: Any, **options: Any) -> None:
        with acting(actor="command:send_notices", correlation_id=new_correlation_id()):
            issued = send_notices.call()["issued"]
        letters = Notice.objects.filter(channel=Notice.Channel.POST, sent_at=None).count()
        self.stdout.write(f"{issued} notices issued, {letters} letters to be posted, {overdue_count()} overdue")
