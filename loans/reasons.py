"""Every principal reason a borrower may be given, by code: the scorecard's, the fraud rules' and the reviewers'.

A reason names what about the application or the account spoke against it. That a rule of ours was not met, or that
a score was low, is no reason: 12 CFR 1002.9(b)(2).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from loans.policy import anomaly
from loans.policy.shipped import FIRST_RULES, MORE_RULES
from loans.published import scorecard
from loans.rules import LARGE_AMOUNT, MAX_REASONS
from loans.scorecard import Reason

REVIEWERS = (
    Reason("R01", "Unable to verify income"),
    Reason("R02", "Unable to verify identity"),
    Reason("R03", "Unable to verify employment"),
    Reason("R04", "Income is insufficient for the amount requested"),
    Reason("R05", "Obligations are excessive in relation to income"),
    Reason("R06", "Application is incomplete"),
    Reason("R07", "Delinquent past or present obligations with us"),
    Reason("R08", "Purpose of the loan could not be verified"),
)


VAGUE = re.compile(r"\b(polic(y|ies)|scor\w+|standards?|threshold\w*|fraud\w*|models?)\b", re.IGNORECASE)


class UnknownReason(ValueError):
    """A code that is not in the catalogue, a code given twice, or none or too many of them."""


def catalogue() -> dict[str, Reason]:
    characteristics = [one for card in scorecard().cards.values() for one in card.characteristics]
    of_cards = [reason for one in characteristics for reason in (one.reason, one.missing_reason)]
    of_rules = [rule.reason for rule in FIRST_RULES + MORE_RULES]
    found = sorted_by_code([*of_cards, *of_rules, anomaly.REASON, LARGE_AMOUNT])
    return {reason.code: reason for reason in [*REVIEWERS, *found]}


def sorted_by_code(reasons: Iterable[Reason]) -> list[Reason]:
    return sorted(reasons, key=lambda reason: reason.code)


def chosen(codes: Sequence[str], known: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Reasons by their codes, as decisions keep them. known: of the machine's decision, for the points they cost.

    Raises UnknownReason.
    """
    reasons = catalogue() | {one["code"]: Reason(one["code"], one["text"]) for one in known}
    if not 1 <= len(codes) <= MAX_REASONS or len(set(codes)) < len(codes):
        raise UnknownReason(f"A decline needs 1 to {MAX_REASONS} different reasons.")
    if strange := [code for code in codes if code not in reasons]:
        raise UnknownReason(f"No reason has the code {strange[0][:20]}.")
    lost = {one["code"]: one.get("points_lost") for one in known}
    return [
        {"code": code, "text": reasons[code].text, "rank": rank, "points_lost": lost.get(code)}
        for rank, code in enumerate(codes, start=1)
    ]
