"""Reputation: points for what somebody did, each rule and subject once."""

from __future__ import annotations

from accounts import tasks


def change_reputation(*, user_id: int, rule: str, points: int, subject: tuple[str, str]) -> None:
    """Have points given or taken, behind the caller's transaction. One (user, rule, subject) counts once.

    rule: what the points are for, at most 40 characters. subject: (type, id) of what earned them.
    """
    about = [subject[0], str(subject[1])]
    tasks.count_reputation.using(subject=("user", str(user_id))).enqueue(
        user_id=user_id, rule=rule, points=points, subject=about
    )
