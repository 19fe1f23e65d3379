"""What loans do behind: try a policy on past requests, and let the challenger decide in shadow."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from loans.policy import shadow, trial
from loans.policy.published import UnknownPolicy
from tasks.definitions import PermanentError, every, task
from tasks.execution import TaskContext


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
