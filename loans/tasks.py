"""What loans do behind: notices of declines, and instalments that went by unpaid."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import transaction

from loans.notices import issue
from loans.repayment import book
from tasks.definitions import every, task

NOTICES = 500  # in one run


@task(queue_name="low", max_attempts=12, waits_s=(5, 30, 300, 1_800))
def mail_notice(*, notice_id: str) -> dict[str, Any]:
    """Mail one notice; for hours, until the mail server takes it."""
    return {"sent": issue.mail_notice(notice_id)}


@every(timedelta(minutes=10))
@task(queue_name="low", atomic=False, timeout_s=600)
def send_notices() -> dict[str, Any]:
    """Issue a notice for each decline that has none, and have those mailed whose borrower has an address."""
    issued = 0
    for decision in issue.without_notice()[:NOTICES]:
        with transaction.atomic():
            notice = issue.issue_notice(decision)
            if notice is not None and notice.channel == issue.Channel.EMAIL:
                mail_notice.enqueue(notice_id=str(notice.pk))
        issued += notice is not None
    return {"issued": issued}


@every(timedelta(hours=1))
@task(queue_name="low", timeout_s=120)
def mark_missed() -> dict[str, Any]:
    """Note the instalments whose date and days of grace went by unpaid."""
    return {"missed": book.mark_missed()}
