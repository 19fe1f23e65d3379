"""Points for residents: the rules of reports/reputation.py, kept in the ledger of accounts."""

from __future__ import annotations

from collections.abc import Iterable

from accounts.services import change_reputation, change_reputations
from reports.reputation import RULES, ledger_name


def give_points(user_id: int | None, rule: str, subject: tuple[str, str]) -> None:
    """Have a rule counted behind the caller's transaction, once for each subject; nobody without an account."""
    if user_id is not None:
        change_reputation(user_id=user_id, rule=ledger_name(rule), points=RULES[rule].points, subject=subject)


def give_points_to_many(rule: str, earned: Iterable[tuple[int | None, tuple[str, str]]]) -> None:
    """The same for many (user, subject) by one task."""
    known = [(user_id, *subject) for user_id, subject in earned if user_id is not None]
    change_reputations(rule=ledger_name(rule), points=RULES[rule].points, earned=known)
