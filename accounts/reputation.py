"""Reputation: points for what somebody did, each rule and subject once."""

from __future__ import annotations

from collections.abc import Sequence

from accounts import tasks
from accounts.ledger import Earned


def change_reputation(*, user_id: int, rule: str, points: int, subject: tuple[str, str]) -> None:
    """Have points given or taken, behind the caller's transaction. One (user, rule, subject) counts once.

    rule: what the points are for, at most 40 characters. subject: (type, id) of what earned them.
    """
    about = [subject[0], str(subject[1])]
    tasks.count_reputation.using(subject=("user", str(user_id))).enqueue(
        user_id=user_id, rule=rule, points=points, subject=about
    )


def change_reputations(*, rule: str, points: int, earned: Sequence[Earned]) -> None:
    """The same for many, by one task. earned: (user, type, id) of what earned each the points."""
    if earned:
        tasks.count_reputations.enqueue(rule=rule, points=points, earned=[list(one) for one in earned])
