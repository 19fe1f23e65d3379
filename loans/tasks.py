"""What loans do behind: notices of declines, instalments that went by unpaid, trials of policies, the challenger."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from loans.notices import issue
from loans.policy import shadow, trial
from loans.policy.published import UnknownPolicy
from loans.repayment import book
from tasks.definitions import PermanentError, every, task
from tasks.execution import TaskContext

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


@task(queue_name="low", takes_context=True, atomic=False, timeout_s=3600, max_running=1)
def try_policy(
    context: TaskContext, *, policy_id: int, since: str | None, loss_given_default: float, asked_by_id: int | None
) -> dict[str, Any]:
    """Decide past requests with a policy and store what came out; a draft is tried then."""
    try:
        done = trial.run_trial(
            policy_id=policy_id,
            since=datetime.fromisoformat(since) if since else None,
            loss_given_default=loss_given_default,
            asked_by_id=asked_by_id,
            task_id=context.task_id,
            progress=context.progress,
            before_commit=context.fence,
        )
    except UnknownPolicy as error:
        raise PermanentError(str(error)) from error
    return {"trial_id": str(done.pk), "requests": done.report["tried"]["requests"], "moves": done.report["moves"]}


@every(timedelta(minutes=1))
@task(queue_name="low", takes_context=True, atomic=False, timeout_s=600, max_running=1)
def run_challenger(context: TaskContext) -> dict[str, int]:
    """Decide with the challenger what was asked in the last minute, if there is a challenger."""
    return shadow.shadow_decisions(before_commit=context.fence)
